// The form under an operation that sends it, and the one under an event that
// listens for it.

import { element } from "./dom.js";
import { exampleBody } from "./schema.js";
import { accessToken, curl, hint, logIn, loggedIn, onSession, send } from "./session.js";

function field(member) {
  const { name, schema, required } = member;
  const attributes = { name, "data-member": true };
  const input = schema.enum
    ? element("select", attributes, element("option", { value: "" }, ""), schema.enum.map((value) => element("option", {}, String(value))))
    : element("input", { ...attributes, autocomplete: "off", spellcheck: "false", placeholder: schema.default ?? "" });
  return element("label", {}, element("b", {}, name), required ? " *" : "", input);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** The form of one operation. */
export function tryForm(operation) {
  const { method, path, members, withToken, multipart, file } = operation;
  if (multipart || file) return null;
  const fields = method === "GET" && members.length ? element("div.fields", {}, members.map(field)) : null;
  const body = method === "POST" ? element("textarea.json", { spellcheck: "false", "aria-label": "Body, JSON" }) : null;
  const fill = (all) => {
    body.value = JSON.stringify(exampleBody(members, all), null, 2);
    body.rows = Math.min(body.value.split("\n").length, 20);
  };
  const answer = element("div", { "aria-live": "polite" });
  const shown = element("pre", {}, "");
  const button = element("button.go", { type: "button" }, "Send");
  const login = element("span", {});

  const request = () => {
    const filled = [...(fields?.querySelectorAll("[data-member]") ?? [])].filter((input) => input.value !== "");
    return { method, url: path, withToken, body: body?.value, query: filled.map((input) => [input.name, input.value]) };
  };
  const refresh = () => { shown.textContent = curl(request()); };

  button.addEventListener("click", async () => {
    button.disabled = true;
    const started = performance.now();
    try {
      const { status, text } = await send(request());
      const took = Math.round(performance.now() - started);
      const code = /"errcode":(-?\d+)/.exec(text)?.[1];
      const good = ["0", "1", "2"].includes(code);
      answer.replaceChildren(
        element("p", {}, `HTTP ${status}, `, element(`span.errcode.${good ? "good" : "bad"}`, {}, `errcode ${code ?? "none"}`), `, ${took} ms`),
        element("pre", {}, pretty(text)));
    } catch (error) {
      answer.replaceChildren(element("p.fault", {}, `No answer: ${error.message}`));
    }
    button.disabled = false;
    login.replaceChildren(withToken ? hint() ?? "" : "");
  });

  const copy = element("button", { type: "button", onclick: async () => {
    await navigator.clipboard?.writeText(shown.textContent);
    copy.textContent = "Copied";
  } }, "Copy");
  const enter = withToken ? element("button", { type: "button", onclick: logIn, hidden: loggedIn() }, "Log in") : null;
  const form = element("div.try", { oninput: refresh },
    element("h3", {}, "Try it"), fields, body,
    element("div.row", {}, button,
      body ? element("button", { type: "button", onclick: () => { fill(false); refresh(); } }, "Required members") : null,
      body ? element("button", { type: "button", onclick: () => { fill(true); refresh(); } }, "All members") : null,
      enter, login),
    element("div.curl", {}, shown, navigator.clipboard ? copy : null), answer);
  if (body) fill(false);
  refresh();
  if (enter) {
    let placed = false;
    onSession(() => {
      placed ||= form.isConnected;
      enter.hidden = loggedIn();
      login.replaceChildren();
      return !placed || form.isConnected;
    });
  }
  return form;
}

/** Listens for one event on a socket, as long as it is open. */
export function listenForm(id) {
  const heard = element("pre", { hidden: true }, "");
  const state = element("span.dim", { role: "status" }, "");
  const button = element("button.go", { type: "button" }, "Listen");
  let socket = null;
  const tell = (text) => {
    heard.hidden = false;
    heard.textContent = `${text}\n${heard.textContent}`.slice(0, 20000);
  };
  button.addEventListener("click", () => {
    if (socket) {
      socket.close();
      return;
    }
    if (!loggedIn()) {
      logIn();
      return;
    }
    const origin = location.origin.replace(/^http/, "ws");
    socket = new WebSocket(`${origin}/openapi/v1.0/subscribe?access_token=${accessToken()}`);
    const beat = setInterval(() => socket?.readyState === WebSocket.OPEN && socket.send("heartbeat"), 30000);
    socket.onopen = () => socket.send(JSON.stringify({ topic_list: [id] }));
    socket.onmessage = ({ data }) => {
      if (data === "heartbeat response") return;
      const frame = JSON.parse(data);
      if (frame.errcode === 0) state.textContent = "Subscribed; frames come below, newest first.";
      else tell(pretty(data));
    };
    socket.onclose = () => {
      clearInterval(beat);
      socket = null;
      button.textContent = "Listen";
      state.textContent = "Closed.";
    };
    button.textContent = "Stop";
  });
  return element("div.try", {}, element("h3", {}, "Listen"), element("div.row", {}, button, state), heard);
}
