// The desk's calls without a browser: node check.js http://127.0.0.1:7401 [TOKEN]

import { desk } from "./desk.js";
import { SubjectKind } from "./gen/customer_profile/v1/interaction_pb.js";

const [service = "http://127.0.0.1:7401", token] = process.argv.slice(2);
const calls = desk(service, token);
const number = String(10 ** 7 + Math.floor(Math.random() * 9 * 10 ** 7)); // no mobile number goes on with a 0
const email = `${number}@example.com`;
const phone = `090-${number.slice(0, 4)}-${number.slice(4)}`;

// The shop knows the customer by e-mail, support by phone; both know the customer number.
const ordered = await calls.record("order.placed", "sales", { customer_id: number, email }, {
  subject: { kind: SubjectKind.ORDER, id: `A-${number}` },
  money: { currency: "JPY", minorUnits: 12_800n },
});
const complained = await calls.record("ticket.opened", "support", { customer_id: number, phone }, {
  subject: { kind: SubjectKind.TICKET, id: `T-${number}` },
  text: "注文した商品がまだ届きません。😢",
  language: "ja",
});
const byEmail = await calls.profile("email", email, ordered, complained);
const byPhone = await calls.profile("phone", phone, ordered, complained);
if (byEmail.profileId !== byPhone.profileId) throw new Error("one customer, two profiles");
console.log("profile", byEmail.profileId);
console.log("orders", String(byEmail.orders.count), "open tickets", String(byEmail.tickets.open));
const nobody = await calls.profile("email", `nobody-${email}`);
console.log("known", nobody.known);
