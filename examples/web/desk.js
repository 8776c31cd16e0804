// What a support desk in a browser calls, over gRPC-Web. It runs as it is in Node too.

import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { InteractionSchema } from "./gen/customer_profile/v1/interaction_pb.js";
import { InteractionService } from "./gen/customer_profile/v1/interaction_service_pb.js";
import { ProfileService } from "./gen/customer_profile/v1/profile_service_pb.js";

/** The calls of the desk. `token` says who is calling, where the service asks for it. */
export function desk(baseUrl, token) {
  const identify = (next) => (request) => {
    if (token) request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const transport = createGrpcWebTransport({ baseUrl, interceptors: [identify], defaultTimeoutMs: 10_000 });
  const interactions = createClient(InteractionService, transport);
  const profiles = createClient(ProfileService, transport);
  return {
    /** Records something that just happened; `more` is what else there is to say of it. Answers with the token of the write. */
    async record(type, department, who, more) {
      const interaction = create(InteractionSchema, {
        source: "web-example",
        eventId: crypto.randomUUID(), // sent twice it is recorded once
        occurredAt: timestampNow(),
        department,
        channel: "web",
        type,
        identifiers: Object.entries(who).map(([namespace, value]) => ({ namespace, value })),
        ...more,
      });
      const { results, token: written } = await interactions.recordInteractions({ interactions: [interaction] });
      for (const { field, description } of results[0].violations) throw new Error(`${field}: ${description}`);
      return written;
    },

    /** The profile of whoever has this identifier, `known` or not; with the tokens of writes it includes them. */
    async profile(namespace, value, ...written) {
      const lookup = { identifiers: [{ namespace, value }] };
      const readOptions = { tokens: written };
      const response = await profiles.getProfile({ lookup, readOptions, allowMissing: true });
      return response.profile;
    },
  };
}
