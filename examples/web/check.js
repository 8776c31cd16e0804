// The desk's calls without a browser: node check.js http://127.0.0.1:7401 [TOKEN]

import { desk } from "./desk.js";

const number = String(Math.floor(Math.random() * 1e8)).padStart(8, "0");
const [service = "http://127.0.0.1:7401", token] = process.argv.slice(2);
const calls = desk(service, token);
const who = { customer_id: number, email: `${number}@example.com` };
const written = await calls.record("ticket.opened", `T-${number}`, who, "まだ届きません。😢");
const byEmail = await calls.profile("email", who.email, written);
const byNumber = await calls.profile("customer_id", number, written);
if (byEmail.profileId !== byNumber.profileId) throw new Error("one customer, two profiles");
console.log("profile", byEmail.profileId);
console.log("open tickets", String(byEmail.tickets.open));
const nobody = await calls.profile("email", `nobody-${number}@example.com`);
console.log("known", nobody.known);
