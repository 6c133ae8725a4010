/** Starts a report's page: reads its data, shows the parts, and follows the address's #uid. */
import type { ReportData } from "./data.ts";
import { showDetail } from "./detail.ts";
import { find, h } from "./dom.ts";
import { showFilters } from "./filters.ts";
import { type Kill, toKill } from "./kills.ts";
import { PAGE_SIZE, showList } from "./list.ts";
import { showPlaces } from "./places.ts";
import { openForPrint } from "./print.ts";
import { showThemeSwitch } from "./theme.ts";
import { showTimeline } from "./timeline.ts";
import { createView, NO_CHOICE } from "./view.ts";

const data = JSON.parse(find("data").textContent ?? "") as ReportData;
const kills = data.kills.map(toKill);
const byUid = new Map(kills.map((kill) => [kill.uid, kill]));
const view = createView(kills);
let selected: Kill | undefined;

showThemeSwitch();
openForPrint();
showSummary(data);
if (kills.length > 0) {
  showTimeline(kills, data.others, data.captures, view);
  showPlaces(kills, data.others, view);
  showFilters(kills, view);
  selected = linked() ?? view.shown[0];
  if (linked() !== undefined) bringUp();
  showList(view, () => selected?.uid);
  showDetail(selected);
  if (linked() !== undefined) find("detail").scrollIntoView();
  addEventListener("hashchange", follow);
}
find("kills").hidden = kills.length === 0;
document.documentElement.dataset["ready"] = "true";

function linked(): Kill | undefined {
  return byUid.get(decodeURIComponent(location.hash.slice(1)));
}

function follow(): void {
  const kill = linked();
  if (kill === undefined) return;
  selected = kill;
  bringUp();
  showDetail(kill);
  const detail = find("detail");
  // Where list and kill are side by side nothing moves.
  if (detail.getBoundingClientRect().top > innerHeight / 2) detail.scrollIntoView();
  detail.focus({ preventScroll: true });
}

/** Turns to the page of the list that has the kill, and shows all where the filter hides it. */
function bringUp(): void {
  if (selected === undefined) return;
  if (!view.shown.includes(selected)) view.choose(NO_CHOICE);
  view.choose({ page: Math.floor(view.shown.indexOf(selected) / PAGE_SIZE) });
}

function showSummary({ sentences, kills: held, others, cut, madeAt, version }: ReportData): void {
  const [first = "", ...more] = sentences;
  const notes = [...more];
  if (others.count > 0) {
    notes.push(
      `This page shows the first ${held.length.toLocaleString("en-US")} kills. The other ${others.count.toLocaleString("en-US")} are counted in its timeline and its places: --since, --until and --filter choose which kills are shown.`,
    );
  }
  if (cut > 0)
    notes.push(`Of ${cut.toLocaleString("en-US")} kills only the kill line is quoted, to keep the page small.`);
  find("summary").append(
    h("p.lead", {}, first),
    ...(notes.length > 0 ? [h("ul.notes", {}, ...notes.map((note) => h("li", {}, note)))] : []),
  );
  find("made").textContent = `Made by Oomscribe ${version} at ${madeAt.slice(0, 19).replace("T", " ")} UTC`;
}
