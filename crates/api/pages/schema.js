// What a request, an answer or an event holds: members as rows, types inside
// them opened on demand (they may hold themselves). Also a first example.

import { element, prose } from "./dom.js";

let components = {};

/** Takes the document's named types. */
export function useComponents(document) {
  components = document.components.schemas;
}

export function resolve(schema) {
  const name = schema.$ref?.split("/").pop();
  return name ? components[name] ?? {} : schema;
}

/** The members of an object schema, its own and those it is put together from. */
export function membersOf(schema) {
  const { allOf = [], anyOf = [{}], properties = {}, ...own } = resolve(schema);
  // Of members with two names those are asked for that the guide has.
  const { required = anyOf[0].required ?? [] } = own;
  const inherited = allOf.map(resolve).filter((part) => part !== components.Envelope).map(membersOf);
  const rows = Object.entries(properties).map(([name, member]) => ({ name, schema: member, required: required.includes(name) }));
  return [...inherited.flat(), ...rows];
}

function kindOf(schema) {
  if (schema.$ref) return "object";
  if (schema.contentMediaType === "application/octet-stream") return "file";
  if (schema.contentMediaType === "application/json") return "string that holds JSON";
  if (schema.type === "array") return `array of ${schema.items.$ref ? "objects" : `${kindOf(schema.items)}s`}`;
  const constant = Number.isInteger(schema.const) ? "integer" : typeof schema.const;
  return [schema.type ?? (schema.const === undefined ? "any" : constant)].flat().join(" or ");
}

function words(values) {
  return values.flatMap((value, place) => [place ? ", " : "", element("code", {}, JSON.stringify(value))]);
}

function rules(schema) {
  const lines = [];
  const separated = schema["x-separator"] ? `, joined by "${schema["x-separator"]}"` : "";
  if (schema.const !== undefined) lines.push(["always ", ...words([schema.const])]);
  if (schema.enum) lines.push(["one of ", ...words(schema.enum)]);
  if (schema["x-known-values"]) lines.push([separated ? "any of " : "known values ", ...words(schema["x-known-values"]), separated]);
  else if (separated) lines.push([`values${separated}`]);
  if (schema.minimum !== undefined) lines.push([`at least ${schema.minimum}`]);
  if (schema.maximum !== undefined) lines.push([`at most ${schema.maximum}`]);
  if (schema.maxLength !== undefined) lines.push([`at most ${schema.maxLength} characters`]);
  if (schema.default !== undefined) lines.push(["default ", ...words([schema.default])]);
  return lines.flatMap((line, place) => [place ? "; " : "", ...line]);
}

/** Rows for members: `[{name, schema, required, about}]`. `unacted` says what
    becomes of those that this build does not act on, by their place. */
export function memberRows(members, unacted = {}, place = "") {
  return element("div.members", {}, members.map((member) => {
    const schema = member.schema;
    const about = member.about ?? schema.description;
    const said = rules(schema);
    const inner = schema.contentSchema ?? (schema.type === "array" ? schema.items : schema);
    return element("div.member", {},
      element("code", {}, member.name),
      element("span.kind", {}, kindOf(schema)),
      member.required ? element("span.must", {}, "required") : null,
      about ? element("p", {}, prose(about)) : null,
      said.length ? element("div.rule", {}, said) : null,
      unacted[place + member.name] ? element("div.unacted", {}, `In this build: ${unacted[place + member.name]}`) : null,
      inner.$ref || inner.properties ? nested(inner, unacted, `${place}${member.name}${inner === schema ? "." : "[]."}`) : null);
  }));
}

function nested(schema, unacted, place) {
  const members = membersOf(schema);
  if (!members.length) return null;
  const details = element("details", {}, element("summary", {}, `${members.length} members`));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(memberRows(members, unacted, place));
  });
  return details;
}

/** A value that a member might have. */
export function example(schema, deep = 0) {
  const plain = resolve(schema);
  if (plain.default !== undefined) return plain.default;
  if (plain.enum) return plain.enum[0];
  switch ([plain.type].flat()[0]) {
    case "string": return "";
    case "integer": case "number": return plain.minimum ?? 0;
    case "boolean": return false;
    case "array": return deep > 2 ? [] : [example(plain.items, deep + 1)];
    default: return exampleBody(membersOf(plain), deep > 0, deep + 1);
  }
}

/** An object of the required members, or of all. */
export function exampleBody(members, all = false, deep = 0) {
  if (deep > 3) return {};
  const chosen = members.filter((member) => all || member.required);
  return Object.fromEntries(chosen.map((member) => [member.name, example(member.schema, deep)]));
}
