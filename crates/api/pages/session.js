// The tokens of this tab: logging in and out, refreshing, and sending a request
// with them. They are kept for the tab alone, and told to nobody but this PBX.

import { element } from "./dom.js";

const KEPT = "strowger.tokens";
const BASE = "/openapi/v1.0";
const button = document.querySelector("#session");
const dialog = document.querySelector("#login");
const form = dialog.querySelector("form");

let tokens = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");

function keep(pair) {
  tokens = pair && { access: pair.access_token, refresh: pair.refresh_token };
  if (tokens) sessionStorage.setItem(KEPT, JSON.stringify(tokens));
  else sessionStorage.removeItem(KEPT);
  show();
}

const watchers = new Set();

function show() {
  button.textContent = tokens ? "Log out" : "Log in";
  // Forms that are gone from the page watch no longer.
  for (const watcher of watchers) if (watcher() === false) watchers.delete(watcher);
}

/** Calls `watcher` whenever somebody has logged in or out, until it returns false. */
export function onSession(watcher) {
  watchers.add(watcher);
}

async function release(pair) {
  await fetch(`${BASE}/del_token?access_token=${pair.access}`).catch(() => {});
}

async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${BASE}/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return response.json();
}

function words(answer) {
  switch (answer.errcode) {
    case -1: return "The Client ID or the Client Secret is wrong.";
    case 60002: return "Eight tokens are valid already: log out elsewhere, or wait until one runs out.";
    case 70004: return `This address is blocked until ${new Date(answer.block_expire_time * 1000).toLocaleTimeString()}; "strowger unblock" lifts it.`;
    case 70087: return "This address is not permitted (api.permitted).";
    default: return `${answer.errcode} ${answer.errmsg}`;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fault = form.querySelector(".fault");
  fault.textContent = "";
  try {
    const answer = await post("get_token", Object.fromEntries(new FormData(form)));
    if (answer.errcode !== 0) {
      fault.textContent = words(answer);
      return;
    }
    // The pair of before has a place of eight, which nobody else could free.
    const before = tokens;
    keep(answer);
    if (before) await release(before);
    form.reset();
    dialog.close();
  } catch (error) {
    fault.textContent = `No answer: ${error.message}`;
  }
});
form.querySelector("[value=cancel]").addEventListener("click", () => dialog.close());

button.addEventListener("click", async () => {
  if (!tokens) {
    logIn();
    return;
  }
  await release(tokens);
  keep(null);
});

export function logIn() {
  form.querySelector(".fault").textContent = "";
  dialog.showModal();
}

export const loggedIn = () => tokens !== null;

/** The access token, for an event socket. */
export const accessToken = () => tokens?.access;

/** Asks for fresh tokens; whether there are any now. */
export async function refresh() {
  if (!tokens) return false;
  const answer = await post("refresh_token", { refresh_token: tokens.refresh }).catch(() => null);
  // Only that it is void ends the session: a block or a full house passes.
  if (answer?.errcode === 0) keep(answer);
  else if (answer?.errcode === 10004) keep(null);
  return answer?.errcode === 0;
}

/** Sends a request; a token that ran out is refreshed once. */
export async function send({ method, url, query, body, withToken }) {
  const ask = () => {
    const all = new URLSearchParams(query);
    if (withToken) all.set("access_token", tokens?.access ?? "");
    const given = method === "POST" ? { headers: { "Content-Type": "application/json" }, body } : {};
    return fetch(`${url}?${all}`, { method, ...given });
  };
  let response = await ask();
  let text = await response.text();
  if (withToken && text.includes('"errcode":10004') && await refresh()) {
    response = await ask();
    text = await response.text();
  }
  return { status: response.status, text };
}

/** The same request for a command line; the token stays out of it. */
export function curl({ method, url, query, body, withToken }) {
  const pairs = [...new URLSearchParams(query)].map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  if (withToken) pairs.unshift("access_token=$TOKEN");
  const address = `${location.origin}${url}${pairs.length ? `?${pairs.join("&")}` : ""}`;
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = [`curl ${location.protocol === "https:" ? "-k " : ""}-A curl "${address}"`];
  if (method === "POST") lines.push(`-H 'Content-Type: application/json'`, `-d ${quoted(body)}`);
  return lines.join(" \\\n  ");
}

/** A line that asks to log in, where nobody is. */
export function hint() {
  return loggedIn() ? null : element("span.dim", {}, "You are not logged in: the answer will be 10004.");
}

show();
