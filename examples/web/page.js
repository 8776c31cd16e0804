import { desk } from "./desk.js";

const form = document.querySelector("form");
const answer = document.querySelector("pre");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { service, namespace, value } = Object.fromEntries(new FormData(form));
  try {
    const profile = await desk(service).profile(namespace, value);
    answer.textContent = profile.known
      ? `${profile.interactionsTotal} interactions, ${profile.tickets?.open ?? 0} open tickets\n` +
        profile.traits.map(({ name, value }) => `${name}: ${value.kind.value}`).join("\n")
      : "nobody is known by it";
  } catch (error) {
    answer.textContent = error.message;
  }
});
