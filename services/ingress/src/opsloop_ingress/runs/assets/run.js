// Follows the run: the state as the server writes it, the log line by line. Without this file the page reloads itself.
"use strict";

const body = document.body;
const log = document.getElementById("log");
const live = document.getElementById("live");
const KEPT_LINES = 5000;
let last = Number(body.dataset.last);

function localTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    time.title = time.textContent;
    time.textContent = new Date(time.dateTime).toLocaleString();
  }
}

function append(lines) {
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 20;
  log.querySelector(".none")?.remove();
  for (const line of lines) {
    const item = document.createElement("span");
    item.className = "line";
    item.textContent = line.text + "\n";
    log.append(item);
    last = Math.max(last, line.sequence);
  }
  while (log.childElementCount > KEPT_LINES) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function follow() {
  const source = new EventSource(`${body.dataset.live}&after=${last}`);
  source.addEventListener("open", () => { live.textContent = "· live"; });
  source.addEventListener("state", (event) => {
    document.getElementById("state").innerHTML = JSON.parse(event.data);
    localTimes();
  });
  source.addEventListener("log", (event) => append(JSON.parse(event.data)));
  source.addEventListener("end", () => { source.close(); live.textContent = ""; });
  source.addEventListener("error", () => {
    source.close();
    live.textContent = "· connecting again";
    setTimeout(follow, 2000);
  });
}

localTimes();
log.scrollTop = log.scrollHeight;
if (body.dataset.open === "yes") follow();
