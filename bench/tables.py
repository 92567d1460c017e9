#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tables.py FILE...: the tables of docs/performance.md, of build/bench.json, scaling.json, peers.json, store.json or
packages.json, as they stand there: renewing one is copying it."""
import json
import statistics
import sys


def rows(*lines):
    return "\n".join(line if isinstance(line, str) else "|" + "|".join(f" {cell} " if cell else " " for cell in line) + "|" for line in lines)


def head(*titles):
    # A title that is empty is a blank: `| | a |`.
    return "|" + "|".join(f" {title} " if title else " " for title in titles) + "|\n" + "|---" * len(titles) + "|"


def starts(found):
    return rows(head("command", "ms", "of processors", "MB"),
                *[(f"`{one['command']}`", f"{one['ms']:.2f}", f"{one['cpu_ms']:.2f}", f"{one['mb']:.1f}") for one in found])


def no_ops(cases):
    def cell(one):
        ratio = f" · {one['ratio']:.1f}x" if "ratio" in one else ""
        cpu_ratio = f" · {one['cpu_ratio']:.1f}x" if "ratio" in one else ""
        return f"{one['ms']:.1f}{ratio} (cpu {one['cpu_ms']:.1f}{cpu_ratio})"

    def row(one):
        counts = ", ".join(f"{count:,} {part}" for part, count in one["counts"].items())
        each = one["kept"]["ms"] * 1000 / one["resources"]
        return (counts, cell(one["floor"]), cell(one["seen"]), cell(one["kept"]), cell(one["edited"]), f"{each:.1f}",
                f"{max(one['kept']['mb'], one['edited']['mb']):.0f}", f"{one['first_apply']['ms']:.0f}")
    return rows(head("", "floor", "chaos, nothing moved since", "looked at anew, parse kept", "first run after an edit", "µs each", "MB", "first apply"), *map(row, cases))


def bench(found):
    return (starts(found["starts"]) + "\n\n`chaos apply` where nothing is to be done: milliseconds on the clock, and of all processors together.\n\n"
            + no_ops(found["cases"]))


SHAPES = {"one": "one manifest, no edges", "chain": "a chain", "fan": "a fan, by name", "glob": "a fan, by `*`",
          "deep": "a chain of manifests", "wide": "one that includes the others"}
LOOKING = ("first", "kept", "plan")
CHANGING = {"apply": "`chaos apply` of new ones", "rollback": "`chaos rollback` of that"}


def scaling(found):
    return looked(found) + "\n\n" + changed(found)


def looked(found):
    """A row a shape; in a cell its sizes, the smallest first."""
    def row(shape):
        sites = [site for site in found["sites"] if site["shape"] == shape]
        grows = [one["growth"] for one in found["growth"] if one["shape"] == shape and one["what"] in LOOKING]

        def each(what):
            return " · ".join(f"{1000 * site[what]['cpu_ms'] / site['resources']:.0f}" for site in sites)
        largest = max(sites[-1][what]["mb"] for what in LOOKING)
        return (SHAPES[shape], " · ".join(f"{site['resources']:,}" for site in sites), f"{sites[-1]['mb_of_text']:.1f}", each("first"),
                each("kept"), each("plan"), f"{largest:.0f}", f"{max(grows):.1f}" if grows else "")
    return rows(head("", "resources", "MB of text", "check, nothing kept: µs each", "check, parse kept", "plan", "MB of memory", "growth"),
                *map(row, dict.fromkeys(site["shape"] for site in found["sites"])))


def changed(found):
    """A row a verb."""
    def row(verb):
        sites = [site for site in found["sites"] if verb in site]
        grows = [one["growth"] for one in found["growth"] if one["what"] == verb]
        return (CHANGING[verb], " · ".join(f"{site['resources']:,}" for site in sites),
                " · ".join(f"{1000 * site[verb]['cpu_ms'] / site['resources']:.0f}" for site in sites),
                " · ".join(f"{site[verb]['ms'] / 1000:.1f}" for site in sites), f"{sites[-1][verb]['mb']:.0f}",
                f"{max(grows):.1f}" if grows else "")
    return rows(head("", "resources", "µs of processors each", "s on the clock", "MB of memory", "growth"),
                *[row(verb) for verb in CHANGING if any(verb in site for site in found["sites"])])


def duration(ms):
    """Milliseconds, or seconds where they are many."""
    return f"{ms:.0f} ms" if ms < 2000 else f"{ms / 1000:.1f} s" if ms < 100000 else f"{ms / 1000:.0f} s"


def peers(found):
    """What is worked out has no memory and no processors."""
    titles = {"chaos": "chaos", "cfengine": "CFEngine 3.21", "puppet": "Puppet 7", "ansible": "Ansible 2.14"}

    def cell(what, tool):
        one, own = found["figures"][f"{what} {tool}"], found["figures"][f"{what} chaos"]
        mixed, guessed = what.endswith("mixed"), one.get("worked_out", False)
        text = duration(one["ms"])
        if what == "nothing files" and not guessed and tool != "ansible":
            text += f", {one['mb']:.0f} MB"
        ratio = one["ms"] / own["ms"]
        if tool != "chaos":
            text += f" · {ratio:,.1f}x" if ratio < 10 else f" · {ratio:,.0f}x"
        if mixed:
            times = f" · {one['cpu_ms'] / own['cpu_ms']:,.0f}x" if tool != "chaos" else ""
            text += f" ({duration(one['cpu_ms']).removesuffix(' ms')} of processors{times})"
        return text + (" (worked out)" if guessed else "")
    return rows(head("", f"{found['files']} files, nothing to do", "first apply of them",
                     "200 files, 50 templates, 20 users, 30 packages, 4 services: nothing to do"),
                *[(titles[tool], *(cell(what, tool) for what in ("nothing files", "first files", "nothing mixed")))
                  for tool in titles if found["figures"]])


def packages(found):
    def medians(what):
        return [statistics.median(column) for column in zip(*found[what]["rounds"])]

    def ratio(what, column):
        return statistics.median(one[column + 2] / one[column] for one in found[what]["rounds"])

    def met(value, bar):
        return "met" if value <= bar else "**missed**"
    titles = head("", "measured", "beside it", "the bar")
    if not found:
        return titles
    look, (apt_plan, _, plan, plan_cpu), (apt, apt_cpu, own, own_cpu) = found["look"], medians("plan"), medians("install")
    return rows(titles,
                (f"looking at {look['asked']} packages at once, from nothing", f"{look['ms']:.1f} ms of processors",
                 f"reading the files alone {look['files_ms']:.2f} ms", f"3 ms: {met(look['ms'], 3)}"),
                (f"planning {found['plan']['packages']} new packages, warm; the whole process", f"{plan:.0f} ms, {plan_cpu:.0f} of processors",
                 f"`apt-get -s` of the same: {apt_plan:.0f} ms", f"250 ms: {met(plan, 250)}"),
                (f"installing {found['install']['packages']} small packages", f"{own_cpu:.0f} ms of processors, {own:.0f} on the clock",
                 f"`apt-get install` of the same: {apt_cpu:.0f} ms of processors, {apt:.0f} on the clock",
                 f"1.05 times: {met(ratio('install', 0), 1.05)}, **{ratio('install', 0):.2f}** ({ratio('install', 1):.2f} of processors)"))


def store(found):
    titles = head("", "clock", "of processors", "the bar")
    if not found:
        return titles

    def cells(what):
        return [f"{value:.0f} ms" for value in found[what]]
    times = found["times"]
    says = ("met" if times[0] <= 1.5 else "**missed**", "met" if found["rollback"][0] <= 300 else "**missed**")
    return rows(titles,
                ("`chaos plan` of it", *cells("plan"), ""),
                ("`chaos apply`", *cells("apply"),
                 f"without the plan {times[0]:.2f} times the bare calls ({times[1]:.2f} of processors); 1.5: {says[0]}"),
                ("the bare calls", *cells("bare"), ""),
                ("`chaos rollback`", *cells("rollback"), f"300 ms: {says[1]}"))


def heads():
    """The first two lines of each."""
    none = {"sites": [], "growth": [], "files": 1000, "figures": {}}
    return [starts([]), no_ops([]), looked(none), changed(none), peers(none), packages({}), store({})]


def main():
    kinds = {"starts": bench, "growth": scaling, "figures": peers, "bare": store, "look": packages}
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as file:
            found = json.load(file)
        kind = next((kinds[key] for key in kinds if key in found), None)
        if kind is None:
            sys.exit(f"{name}: there is no table of it")
        print(kind(found))


if __name__ == "__main__":
    main()
