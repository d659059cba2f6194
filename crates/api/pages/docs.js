// The reference: reads openapi.json and shows areas, operations and events,
// what works, and what is searched for. Details are made when they are opened.

import { element, prose } from "./dom.js";
import { memberRows, membersOf, resolve, useComponents } from "./schema.js";
import { listenForm, tryForm } from "./try.js";

const CERTAINTY = {
  documented: "read in the vendor's guide",
  partial: "read in part: some members may be missing",
  inferred: "its page was not found: members are inferred",
};
/** Areas whose names are abbreviations. */
const AREAS = { cdr: "CDR", ivr: "IVR", uacsta: "uaCSTA" };
const list = document.querySelector("#list");
const search = document.querySelector("#search");
const works = document.querySelector("#works");

function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, row]) => {
    const content = Object.entries(row.requestBody?.content ?? {})[0];
    const parameters = (row.parameters ?? []).map((parameter) => ({ ...parameter, about: parameter.description }));
    const members = content ? membersOf(content[1].schema) : parameters;
    // Files lie outside of the versions.
    const [, version, short] = /^\/openapi\/([^/]+)\/(.*)$/.exec(path) ?? [path, "file", path.slice(1)];
    return {
      method: method.toUpperCase(), path, version, short, area: row.tags[0], summary: row.summary, notes: row.description,
      members, response: row.responses["200"].content, events: row["x-events"] ?? [], certainty: row["x-certainty"],
      works: row["x-implemented"] === true, unacted: row["x-not-acted-on"], withToken: row.security === undefined,
      multipart: content?.[0].startsWith("multipart"), file: version === path, anchor: `${version}/${short}`,
    };
  }));
}

function eventsOf(document) {
  return Object.values(document.webhooks).map(({ post: row }) => {
    const id = Number(row.operationId.replace("event", ""));
    const schema = row.requestBody.content["application/json"].schema;
    return {
      method: "EVENT", id, area: "events", short: String(id), summary: row.summary.replace(/^\d+ /, ""), notes: row.description,
      members: membersOf(schema), works: row["x-implemented"] === true, anchor: `event/${id}`, certainty: row["x-certainty"],
    };
  });
}

function title(area) {
  const words = area.replaceAll("_", " ");
  return AREAS[area] ?? words[0].toUpperCase() + words.slice(1);
}

function memberWords(members) {
  return members.map((member) => member.name).join(" ");
}

function details(row) {
  const body = element("div.body", {});
  body.append(element("div.tags", {},
    row.certainty ? element("span.tag", { title: CERTAINTY[row.certainty] }, row.certainty) : null,
    row.works ? null : element("span.tag", {}, row.id ? "not sent by this build" : "answers 10009 in this build"),
    (row.events ?? []).map((id) => element("span.tag", {}, element("a", { href: `#event/${id}` }, `event ${id}`)))));
  if (row.notes) {
    const notes = row.notes.split(/^- /m).filter((note) => note.trim());
    body.append(row.id ? element("p", {}, "When: ", prose(row.notes)) : element("ul", {}, notes.map((note) => element("li", {}, prose(note)))));
  }
  if (row.id) {
    body.append(element("h3", {}, "Frame"), memberRows(row.members), row.works ? listenForm(row.id) : "");
    return body;
  }
  body.append(element("h3", {}, row.method === "GET" ? "Parameters" : row.multipart ? "Parts of a multipart/form-data body" : "Members of the JSON body"));
  body.append(row.members.length ? memberRows(row.members, row.unacted) : element("p.dim", {}, row.withToken ? "None but access_token." : "None."));
  body.append(element("h3", {}, "Answer, beside errcode and errmsg"));
  const answer = row.response["application/json"]?.schema;
  const members = answer ? membersOf(resolve(answer)).filter(() => answer.allOf) : [];
  if (row.response["application/octet-stream"]) body.append(element("p.dim", {}, "A file."));
  else body.append(members.length ? memberRows(members) : element("p.dim", {}, "None."));
  body.append(tryForm(row) ?? "");
  return body;
}

function item(row) {
  const made = element(`details.op${row.works ? "" : ".missing"}`, { id: row.anchor },
    element("summary", {}, element(`span.method.${row.method}`, {}, row.method),
      element("span.path", {}, row.version && row.version !== "v1.0" ? element("i", {}, `${row.version}/`) : null, row.short),
      element("span.what", {}, prose(row.summary)),
      element(`span.state${row.works ? "" : ".no"}`, {}, row.works ? "● works" : "○ missing")));
  made.addEventListener("toggle", () => {
    if (!made.open) return;
    if (made.children.length === 1) made.append(details(row));
    history.replaceState(null, "", `#${row.anchor}`);
  });
  return made;
}

function intro(document, rows) {
  const operations = rows.filter((row) => !row.id);
  const count = (some) => some.filter((row) => row.works).length;
  const events = rows.filter((row) => row.id);
  const codes = document.components.schemas.Envelope.properties.errcode.description.split("\n");
  return [
    element("h1", {}, "API reference"),
    element("p", {}, `${count(operations)} of ${operations.length} operations and ${count(events)} of ${events.length} events work in this build (${document.info.version}). An operation that does not answers 10009, never SUCCESS. `,
      element("a", { href: "/openapi.json" }, "openapi.json"), " says the same to machines."),
    element("details.codes", {}, element("summary", {}, "How a request is made, and the error codes"),
      element("ul", {},
        element("li", {}, "Every answer is HTTP 200 with JSON: ", element("code", {}, "errcode"), " 0 is success. 40002 names the wrong members in ", element("code", {}, "invalid_param_list"), "."),
        element("li", {}, element("code", {}, "get_token"), " takes Client ID and Secret; the token goes into ", element("code", {}, "?access_token="), " or ", element("code", {}, "Authorization: Bearer"), ". It is good for 30 minutes; eight are valid at once."),
        element("li", {}, "Every request carries a ", element("code", {}, "User-Agent"), ". GET has its parameters in the query, POST a JSON object in the body."),
        element("li", {}, "Events come on the WebSocket ", element("code", {}, "/openapi/v1.0/subscribe?access_token="), " after ", element("code", {}, '{"topic_list":[30011]}'), "; send ", element("code", {}, "heartbeat"), " within every 60 seconds.")),
      element("table", {}, element("tbody", {}, codes.map((line) => {
        const [, code, message] = /^- (-?\d+) (.*)$/.exec(line);
        return element("tr", {}, element("td", {}, code), element("td", {}, message));
      })))),
  ];
}

function start(document) {
  useComponents(document);
  const rows = [...operationsOf(document), ...eventsOf(document)];
  const areas = [...document.tags.map((tag) => tag.name), "events"].map((name) => ({ name, rows: rows.filter((row) => row.area === name) }));
  window.document.querySelector("#intro").replaceChildren(...intro(document, rows));
  for (const row of rows) {
    row.item = item(row);
    row.text = `${row.version ?? ""}/${row.short} ${row.summary} ${memberWords(row.members)}`.toLowerCase();
  }
  list.replaceChildren(...areas.map((area) => {
    area.section = element("section.area", { id: `area/${area.name}` }, element("h2", {}, title(area.name)), area.rows.map((row) => row.item));
    return area.section;
  }));
  const links = areas.map((area) => {
    const working = area.rows.filter((row) => row.works).length;
    return element(`a${working ? "" : ".empty"}`, { href: `#area/${area.name}` }, title(area.name), element("span", {}, `${working}/${area.rows.length}`));
  });
  window.document.querySelector("#areas").replaceChildren(...links);

  const filter = () => {
    // Where words begin: "hang" is not meant to find every "change".
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
      .map((word) => new RegExp(`(^|[^a-z0-9])${word.replace(/[^a-z0-9]/g, "\\$&")}`));
    let shown = 0;
    for (const area of areas) {
      let here = 0;
      for (const row of area.rows) {
        const wanted = (!works.checked || row.works) && words.every((word) => word.test(row.text));
        row.item.hidden = !wanted;
        here += wanted;
      }
      area.section.hidden = here === 0;
      shown += here;
    }
    window.document.querySelector("#count").textContent = shown === rows.length ? "" : shown ? `${shown} of ${rows.length}` : "Nothing is called so.";
  };
  const go = () => {
    const target = window.document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.hidden || target.closest("[hidden]")) {
      search.value = "";
      works.checked = false;
      filter();
    }
    if (target.tagName === "DETAILS") target.open = true;
    target.scrollIntoView();
  };
  search.addEventListener("input", () => {
    filter();
    window.scrollTo(0, 0);
  });
  works.addEventListener("change", filter);
  window.addEventListener("hashchange", go);
  window.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      search.focus();
    }
  });
  filter();
  go();
}

try {
  const response = await fetch("/openapi.json");
  start(await response.json());
} catch (error) {
  list.replaceChildren(element("p.fault", {}, `openapi.json can't be read: ${error.message}`));
}
