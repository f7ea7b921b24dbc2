// A client of the public APIs. Everything shown is set as text, never as markup: names and logs come from strangers.

const VERSION = { "OpenStack-API-Version": "compute 2.88" };
// Changes are told by the event stream; the lists are asked for now and then in case it is down, and for the hosts.
const LIVE_REFRESH_MS = 20000;
const REFRESH_MS = 2000;
const place = (id) => document.getElementById(id);

let session = JSON.parse(sessionStorage.getItem("session") || "null");
let tab = "servers";
let selected = null;
let timer = null;
let stream = null;
let live = false;
let refreshing = null;
let again = false;

class Refused extends Error {}

async function ask(method, path, body, headers = {}) {
  const answer = await fetch(path, {
    method,
    headers: { ...(session ? { "X-Auth-Token": session.token } : {}), ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
    body: body ? JSON.stringify(body) : undefined,
  });
  const text = await answer.text();
  const content = text && (answer.headers.get("content-type") || "").includes("json") ? JSON.parse(text) : null;
  if (answer.status === 401 && session) leave();
  if (!answer.ok) throw new Refused(content ? Object.values(content)[0].message || text : `${answer.status} ${answer.statusText}`);
  return { content, headers: answer.headers };
}

const compute = async (method, path, body) => (await ask(method, `/compute/v2.1${path}`, body, VERSION)).content;

function cell(row, text, kind) {
  const made = row.insertCell();
  made.textContent = text ?? "";
  if (kind) made.className = kind;
  return made;
}

function button(where, label, action) {
  const made = document.createElement("button");
  made.textContent = label;
  made.addEventListener("click", (event) => { event.stopPropagation(); guarded(action); });
  where.append(made);
}

async function guarded(work) {
  try {
    place("trouble").textContent = "";
    await work();
  } catch (error) {
    place("trouble").textContent = error.message;
  }
}

// -- who ---------------------------------------------------------------------------------------------------------------

async function enter(form) {
  const user = { name: form.user.value, domain: { name: "Default" }, password: form.password.value };
  const scope = { project: { name: form.project.value || form.user.value, domain: { name: "Default" } } };
  const auth = { identity: { methods: ["password"], password: { user } }, scope };
  const { content, headers } = await ask("POST", "/identity/v3/auth/tokens?nocatalog", { auth });
  session = {
    token: headers.get("x-subject-token"),
    user: content.token.user.name,
    project: content.token.project.name,
    admin: content.token.roles.some((role) => role.name === "admin"),
  };
  sessionStorage.setItem("session", JSON.stringify(session));
  form.password.value = "";
  await show();
}

function leave() {
  session = null;
  sessionStorage.removeItem("session");
  clearTimeout(timer);
  stopListening();
  show();
}

// -- events ------------------------------------------------------------------------------------------------------------

// EventSource could not send the token.
async function listen() {
  if (stream) return;
  const mine = (stream = new AbortController());
  while (!mine.signal.aborted) {
    try {
      const headers = { "X-Auth-Token": session.token };
      const answer = await fetch("/compute/v2.1/servers/events", { headers, signal: mine.signal });
      if (answer.status === 401) return leave();
      if (!answer.ok) return;
      live = true;
      // What changed before there was somebody to tell is in the lists.
      guarded(refresh);
      for await (const event of told(answer.body)) if (event) guarded(refresh);
    } catch (error) {
      if (mine.signal.aborted) return;
    }
    live = false;
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

function stopListening() {
  stream?.abort();
  stream = null;
  live = false;
}

// Whether it was an event or just a sign of life, for each thing said.
async function* told(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) yield /^event:/m.test(block);
  }
}

// -- servers -----------------------------------------------------------------------------------------------------------

async function fillChoices() {
  const [flavors, images, networks] = await Promise.all([
    compute("GET", "/flavors/detail"),
    ask("GET", "/image/v2/images?status=active"),
    ask("GET", "/network/v2.0/networks?router:external=false"),
  ]);
  fill("flavor", flavors.flavors.map((f) => [f.id, `${f.name} (${f.vcpus} vCPU, ${f.ram} MiB)`]));
  fill("image", images.content.images.map((i) => [i.id, i.name]));
  fill("network", [...networks.content.networks.map((n) => [n.id, n.name]), ["none", "no network"]]);
}

function fill(name, choices) {
  const select = place("create").elements[name];
  select.replaceChildren(...choices.map(([value, label]) => new Option(label, value)));
}

async function create(form) {
  const network = form.network.value;
  await compute("POST", "/servers", {
    server: {
      name: form.name.value,
      flavorRef: form.flavor.value,
      imageRef: form.image.value,
      networks: network === "none" ? "none" : [{ uuid: network }],
    },
  });
  form.name.value = "";
  await refresh();
}

const act = (server, action, value = null) => async () => {
  await compute("POST", `/servers/${server.id}/action`, { [action]: value });
  await refresh();
};

async function openConsole(server) {
  const asked = { remote_console: { protocol: "vnc", type: "novnc" } };
  const made = await compute("POST", `/servers/${server.id}/remote-consoles`, asked);
  window.open(made.remote_console.url, "_blank", "noopener");
}

function serverRow(server) {
  const row = document.createElement("tr");
  cell(row, server.name);
  cell(row, server.status, `status ${server.status}`);
  cell(row, server["OS-EXT-STS:task_state"]);
  cell(row, Object.values(server.addresses).flat().map((entry) => entry.addr).join(", "));
  cell(row, server.flavor.original_name);
  cell(row, server.created.replace("T", " ").replace("Z", ""));
  const verbs = cell(row, "");
  if (server.status === "ACTIVE") {
    button(verbs, "Screen", () => openConsole(server));
    button(verbs, "Reboot", act(server, "reboot", { type: "SOFT" }));
    button(verbs, "Stop", act(server, "os-stop"));
  }
  if (server.status === "SHUTOFF") button(verbs, "Start", act(server, "os-start"));
  button(verbs, "Delete", async () => { await compute("DELETE", `/servers/${server.id}`); await refresh(); });
  row.addEventListener("click", () => guarded(async () => { selected = server.id; await refresh(); }));
  return row;
}

async function showServers() {
  const [found, limits] = await Promise.all([compute("GET", "/servers/detail"), compute("GET", "/limits")]);
  place("rows").replaceChildren(...found.servers.map(serverRow));
  showLimits(limits.limits.absolute);
  const server = found.servers.find((one) => one.id === selected);
  place("detail").hidden = !server;
  if (server) await showDetail(server);
}

function showLimits(limits) {
  const rows = [["Servers", "totalInstancesUsed", "maxTotalInstances"], ["vCPUs", "totalCoresUsed", "maxTotalCores"], ["MiB", "totalRAMUsed", "maxTotalRAMSize"]];
  place("limits").replaceChildren(...rows.map(([label, used, most]) => {
    const box = document.createElement("div");
    const bar = document.createElement("div");
    const filled = document.createElement("span");
    box.textContent = `${label}: ${limits[used]} of ${limits[most] < 0 ? "∞" : limits[most]}`;
    filled.style.width = limits[most] > 0 ? `${Math.min(100, (100 * limits[used]) / limits[most])}%` : "0";
    bar.className = "bar";
    bar.append(filled);
    box.append(bar);
    return box;
  }));
}

async function showDetail(server) {
  place("detail-name").textContent = server.name;
  place("fault").textContent = server.fault ? server.fault.message : "";
  const { instanceActions } = await compute("GET", `/servers/${server.id}/os-instance-actions`);
  const rows = instanceActions.map((action) => {
    const row = document.createElement("tr");
    cell(row, action.start_time.slice(11, 23));
    cell(row, action.action);
    cell(row, action.message || "", action.message ? "status ERROR" : "");
    return row;
  });
  place("actions").replaceChildren(...rows);
  try {
    const output = await compute("POST", `/servers/${server.id}/action`, { "os-getConsoleOutput": { length: 200 } });
    place("log").textContent = output.output;
  } catch (error) {
    place("log").textContent = error.message;
  }
}

// -- hosts -------------------------------------------------------------------------------------------------------------

async function showHosts() {
  const found = await compute("GET", "/os-hypervisors/detail?with_servers=true");
  place("host-rows").replaceChildren(...found.hypervisors.map((host) => {
    const row = document.createElement("tr");
    cell(row, host.hypervisor_hostname);
    cell(row, host.hypervisor_type);
    cell(row, `${host.state}, ${host.status}`, `status ${host.state}`);
    cell(row, (host.servers || []).length);
    cell(row, host.vcpus);
    cell(row, host.memory_mb);
    return row;
  }));
}

// -- the page ----------------------------------------------------------------------------------------------------------

// One at a time: what changes while the lists are asked for is asked for once more.
async function refresh() {
  if (refreshing) {
    again = true;
    return refreshing;
  }
  refreshing = refreshAll();
  try {
    await refreshing;
  } finally {
    refreshing = null;
  }
}

async function refreshAll() {
  clearTimeout(timer);
  try {
    do {
      again = false;
      if (session) await (tab === "hosts" ? showHosts() : showServers());
    } while (again);
  } finally {
    if (session) timer = setTimeout(() => guarded(refresh), live && tab === "servers" ? LIVE_REFRESH_MS : REFRESH_MS);
  }
}

async function show() {
  place("login").hidden = Boolean(session);
  place("leave").hidden = place("tabs").hidden = !session;
  place("who").textContent = session ? `${session.user} in ${session.project}` : "";
  for (const one of document.querySelectorAll("[data-tab]")) {
    one.hidden = one.dataset.tab === "hosts" && !session?.admin;
    one.setAttribute("aria-current", String(one.dataset.tab === tab));
    place(one.dataset.tab).hidden = !session || one.dataset.tab !== tab;
  }
  if (session) {
    await fillChoices();
    await refresh();
    listen();
  }
}

place("login").addEventListener("submit", (event) => { event.preventDefault(); guarded(() => enter(event.target.elements)); });
place("create").addEventListener("submit", (event) => { event.preventDefault(); guarded(() => create(event.target.elements)); });
place("leave").addEventListener("click", leave);
for (const one of document.querySelectorAll("[data-tab]")) {
  one.addEventListener("click", () => guarded(async () => { tab = one.dataset.tab; await show(); }));
}
guarded(show);
