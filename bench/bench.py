"""Times tsrunc, with a planner (warm) and without (cold), beside runc and crun, interleaved, on real containers: make bench.
Prints tables and what has become of the bars, and writes JSON and a chart into docs/benchmarks/. Runs in a mount namespace of
its own without the unified hierarchy, because crun 1.8 refuses hybrid cgroups.

bench.py OUT TSRUNC [ROUNDS]"""

import datetime
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

OUT, TSRUNC = sys.argv[1], sys.argv[2]
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 30
QUICK = {"PATH": os.environ["PATH"]}  # nothing of the caller's environment that slows one of them
UNIFIED = "/sys/fs/cgroup/unified"
COMMANDS = ["create", "start", "state", "exec", "kill", "delete"]


def enter_view():
    """A mount namespace in which every runtime works."""
    if os.environ.get("TSRUNC_BENCH_VIEW") != "1":
        os.environ["TSRUNC_BENCH_VIEW"] = "1"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])
    if os.path.isdir(UNIFIED):
        subprocess.run(["umount", UNIFIED], check=False)


def call(argv, env=QUICK):
    """Runs to the end: milliseconds and exit status."""
    null = os.open(os.devnull, os.O_RDWR)
    begin = time.perf_counter()
    pid = os.posix_spawn(
        argv[0],
        argv,
        env,
        file_actions=[(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)],
    )
    _, status = os.waitpid(pid, 0)
    took = (time.perf_counter() - begin) * 1000
    os.close(null)
    return took, os.waitstatus_to_exitcode(status)


class Runtime:
    def __init__(self, name, path, root, **variables):
        self.name, self.path, self.root, self.env = name, path, root, QUICK | variables
        os.makedirs(root, exist_ok=True)

    def argv(self, *args):
        return [self.path, "--root", self.root, *args]

    def __call__(self, *args):
        took = call(self.argv(*args), self.env)
        if took[1] != 0:
            raise SystemExit(f"bench: {self.name} {' '.join(args)} ended with {took[1]}")
        return took


class Planner:
    """A planner of this run's own."""

    def __init__(self, work):
        self.socket = f"{work}/planner.sock"
        self.process = subprocess.Popen([TSRUNC, "planner", "--socket", self.socket], env=QUICK)
        while not os.path.exists(self.socket):
            time.sleep(0.01)

    def memory(self):
        """Resident, in MB."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return round(next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024, 1)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def make_bundle(work, name, change=lambda config: None):
    bundle = f"{work}/{name}"
    os.makedirs(f"{bundle}/rootfs/bin")
    shutil.copy("/bin/busybox", f"{bundle}/rootfs/bin/busybox")
    for applet in ("true", "sleep", "sh"):
        os.symlink("busybox", f"{bundle}/rootfs/bin/{applet}")
    subprocess.run([TSRUNC, "spec", "-b", bundle], check=True)
    with open(f"{bundle}/config.json") as file:
        config = json.load(file)
    config["ociVersion"] = "1.0.2"
    config["process"]["terminal"] = False
    config["process"]["args"] = ["/bin/true"]
    change(config)
    with open(f"{bundle}/config.json", "w") as file:
        json.dump(config, file)
    return bundle


def summary(values):
    ordered = sorted(values)
    pick = lambda part: ordered[min(len(ordered) - 1, int(len(ordered) * part))]
    return {"p50": round(pick(0.5), 2), "p95": round(pick(0.95), 2), "min": round(ordered[0], 2)}


def rounds_of(runtimes, measure, count=None):
    """Interleaved: each round asks every runtime once, in another order, since each leaves work to the kernel behind."""
    times = {runtime.name: [] for runtime in runtimes}
    for turn in range(count or ROUNDS):
        for runtime in random.sample(runtimes, len(runtimes)):
            times[runtime.name].append(measure(runtime, turn))
    return times


class EmptyNode:
    """Node with nothing to do, in the same rounds: what no cold command of tsrunc can be faster than."""

    name = "node"

    def __init__(self, work):
        self.argv = [shutil.which("node"), f"{work}/empty.js"]
        with open(self.argv[1], "w"):
            pass

    def __call__(self, *_, **__):
        return call(self.argv)


def peak_of(argv, env):
    """Peak memory in MB, as a small program's child: the child of this one would inherit its size."""
    said = subprocess.run(["busybox", "time", "-v", *argv], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    figure = next(int(line.split()[-1]) for line in said.stderr.split("\n") if "Maximum resident" in line)
    return round(figure / os.sysconf("SC_PAGE_SIZE"), 1)  # busybox takes the kernel's kB for pages


def bench_run(runtimes, bundle, work):
    taken = rounds_of([EmptyNode(work), *runtimes], lambda r, i: r("run", "--bundle", bundle, f"b-{r.name[-4:]}-{i}"))
    peaks = {r.name: peak_of(r.argv("run", "--bundle", bundle, f"p-{r.name[-4:]}"), r.env) for r in runtimes}
    peaks["node"] = peak_of(EmptyNode(work).argv, QUICK)
    return {name: {**summary([t for t, _ in all_]), "peakMB": peaks[name]} for name, all_ in taken.items()}


def bench_lifecycle(runtimes, bundle):
    def one(runtime, turn):
        id_ = f"l-{runtime.name[-4:]}-{turn}"
        took = {"create": runtime("create", "--bundle", bundle, id_)[0], "start": runtime("start", id_)[0]}
        took["state"] = runtime("state", id_)[0]
        took["exec"] = runtime("exec", id_, "/bin/true")[0]
        took["kill"] = runtime("kill", id_, "KILL")[0]
        time.sleep(0.02)  # the end of init is the kernel's
        took["delete"] = runtime("delete", id_)[0]
        return took

    taken = rounds_of(runtimes, one)
    return {name: {c: summary([t[c] for t in all_]) for c in COMMANDS} for name, all_ in taken.items()}


def charged(runtimes, bundle):
    """What the container's memory cgroup is charged once its program runs, kB: its pages and the kernel's for it. Not the peak
    (memory.max_usage_in_bytes): that counts in steps of 64 pages for each CPU that the start came by."""

    def one(runtime, turn):
        id_ = f"m-{runtime.name[-4:]}-{turn}"
        runtime("create", "--bundle", bundle, id_)
        runtime("start", id_)
        time.sleep(0.02)
        cgroup = next(base for base, _, _ in os.walk("/sys/fs/cgroup/memory") if base.endswith("/" + id_))
        with open(f"{cgroup}/memory.stat") as file:
            stat = dict(line.split() for line in file)
        with open(f"{cgroup}/memory.kmem.usage_in_bytes") as file:
            kernel = int(file.read())
        runtime("delete", "--force", id_)
        return (kernel + int(stat["rss"]) + int(stat["cache"])) / 1024

    taken = rounds_of(runtimes, one, min(ROUNDS, 20))
    return {name: summary(values) for name, values in taken.items()}


def growth(runtimes, work):
    """Median of run over the number of mounts and of seccomp rules."""
    result = {}
    names = open_syscalls()
    for kind, sizes in (("mounts", (10, 100, 500)), ("seccomp rules", (10, 400))):
        for size in sizes:

            def change(config, kind=kind, size=size):
                if kind == "mounts":
                    config["mounts"] += [
                        {"destination": f"/m/{i}", "type": "tmpfs", "source": "tmpfs", "options": ["size=4k"]}
                        for i in range(size)
                    ]
                else:
                    config["linux"]["seccomp"] = {
                        "defaultAction": "SCMP_ACT_ALLOW",
                        "syscalls": [
                            {"names": [names[i % len(names)]], "action": "SCMP_ACT_ERRNO",
                             "args": [{"index": 0, "value": 7000 + i, "op": "SCMP_CMP_EQ"}]}
                            for i in range(size)
                        ],
                    }
                config["root"]["readonly"] = False

            bundle = make_bundle(work, f"{kind.replace(' ', '-')}-{size}", change)
            taken = rounds_of(runtimes, lambda r, i: r("run", "--bundle", bundle, f"g-{r.name[-4:]}-{i}")[0], 9)
            result[f"{size} {kind}"] = {name: summary(values)["p50"] for name, values in taken.items()}
    return result


def open_syscalls():
    return "personality ptrace acct swapon swapoff reboot mount umount2 quotactl nfsservctl vhangup syslog".split()


def listing(runtimes, bundle, sizes=(1, 100, 1000)):
    """Median of list over the number of containers that there are; they have ended."""
    result, made = {}, 0
    makers = list({runtime.root: runtime for runtime in reversed(runtimes)}.values())
    for size in sizes:
        for i in range(made, size):
            for runtime in makers:
                runtime("run", "--detach", "--bundle", bundle, f"n-{runtime.name[-4:]}-{i}")
        made = size
        time.sleep(1)
        taken = rounds_of(runtimes, lambda r, _: r("list")[0], 9)
        result[f"list of {size}"] = {name: summary(values)["p50"] for name, values in taken.items()}
    for runtime in makers:
        for i in range(made):
            runtime("delete", "--force", f"n-{runtime.name[-4:]}-{i}")
    return result


def throughput(runtimes, bundle):
    """Containers a second, with so many at once."""
    result = {}
    for width in (1, 4, 16):
        row = {}
        for runtime in runtimes:
            total, running, begin = max(32, width * 4), [], time.perf_counter()
            for i in range(total):
                if len(running) == width:
                    running.pop(0).wait()
                argv = runtime.argv("run", "--bundle", bundle, f"t-{runtime.name[-4:]}-{width}-{i}")
                running.append(
                    subprocess.Popen(argv, env=runtime.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                )
            for process in running:
                process.wait()
            row[runtime.name] = round(total / (time.perf_counter() - begin), 1)
        result[f"{width} at once"] = row
    return result


def table(title, rows, names):
    print(f"\n{title}")
    print(f"  {'':22}" + "".join(f"{name:>12}" for name in names))
    for row, values in rows.items():
        print(f"  {row:22}" + "".join(f"{values.get(name, ''):>12}" for name in names))


def chart(result, names):
    """Bars of the medians: one group a command."""
    groups = {"run": {n: result["run"][n]["p50"] for n in names}}
    groups |= {c: {n: result["lifecycle"][n][c]["p50"] for n in names} for c in COMMANDS}
    colours = {"warm": "#204a87", "cold": "#8aa9d6", "runc": "#a0a0a0", "crun": "#d0a060"}
    top = max(max(values.values()) for values in groups.values())
    bar, height, parts, x = 22, 260, [], 50
    for group, values in groups.items():
        for name in names:
            size = values[name] / top * height
            parts.append(
                f'<rect x="{x}" y="{300 - size:.1f}" width="{bar - 3}" height="{size:.1f}" fill="{colours[name]}">'
                f"<title>{group} {name}: {values[name]} ms</title></rect>"
                f'<text x="{x + 9}" y="{296 - size:.1f}" font-size="9" text-anchor="middle">{values[name]:.1f}</text>'
            )
            x += bar
        parts.append(f'<text x="{x - bar * len(names) / 2}" y="318" font-size="12" text-anchor="middle">{group}</text>')
        x += 20
    for i, name in enumerate(names):
        parts.append(
            f'<rect x="{60 + i * 90}" y="332" width="12" height="12" fill="{colours[name]}"/>'
            f'<text x="{76 + i * 90}" y="343" font-size="12">{name}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{x + 20}" height="360" font-family="sans-serif">'
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<text x="50" y="20" font-size="13">medians, ms of whole commands, {ROUNDS} interleaved rounds</text>'
        + "".join(parts)
        + "</svg>\n"
    )


def version(path):
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    return said.split("\n")[0]


def slopes(result, kind, sizes):
    """Milliseconds for each more of them, between one size and the next."""
    at = lambda size: result["growth"][kind.format(size)]["warm"]
    return [(at(b) - at(a)) / (b - a) for a, b in zip(sizes, sizes[1:])]


def bars(result):
    """What is asked for: words, the figure, the limit."""
    run, life = result["run"], result["lifecycle"]
    found = [("warm run / crun's", run["warm"]["p50"] / run["crun"]["p50"], 0.6)]
    found += [(f"warm {c} / crun's", life["warm"][c]["p50"] / life["crun"][c]["p50"], 1) for c in COMMANDS]
    found.append(("cold run - empty node, ms", run["cold"]["p50"] - run["node"]["p50"], 15))
    charged_ = result["chargedKB"]
    found.append(("memory charged / crun's", charged_["warm"]["p50"] / charged_["crun"]["p50"], 1))
    for kind, sizes in (("{} mounts", (10, 100, 500)), ("list of {}", (1, 100, 1000))):
        first, second = slopes(result, kind, sizes)
        found.append((f"each more of {kind.format(sizes[2])} / of {sizes[1]}", second / max(first, 0.001), 2))
    return [{"bar": words, "is": round(value, 2), "limit": limit, "met": value <= limit} for words, value, limit in found]


def measure(work, runtimes):
    short = make_bundle(work, "short")
    long = make_bundle(work, "long", lambda c: c["process"].update(args=["/bin/sleep", "1000"]))
    for runtime in runtimes:  # the first of each pays for what others find warm, and V8 needs some hundred requests
        for i in range(300 if runtime.name == "warm" else 1):
            runtime("run", "--bundle", short, f"w-{runtime.name[-4:]}-{i}")
    return {
        "run": bench_run(runtimes, short, work),
        "lifecycle": bench_lifecycle(runtimes, long),
        "chargedKB": charged(runtimes, long),
        "growth": growth(runtimes, work) | listing(runtimes, short),
        "perSecond": throughput(runtimes, short),
    }


def show(result, names):
    print(result["machine"], "|", ", ".join(result["versions"].values()))
    with_node = [*names, "node"]
    column = lambda key: {n: result["run"][n][key] for n in with_node}
    table("run, ms (peak in MB); node: an empty file", {key: column(key) for key in ("p50", "p95", "min", "peakMB")}, with_node)
    for part in ("p50", "p95"):
        table(f"lifecycle, {part} ms", {c: {n: result["lifecycle"][n][c][part] for n in names} for c in COMMANDS}, names)
    table("charged to the container by its start, kB", {"p50": {n: v["p50"] for n, v in result["chargedKB"].items()}}, names)
    table("growth, p50 ms", result["growth"], names)
    table("containers a second", result["perSecond"], names)
    print(f"\nthe planner is resident with {result['plannerMB']} MB")
    for bar in result.get("bars", []):
        print(f"  {'met   ' if bar['met'] else 'MISSED'} {bar['bar']:36} {bar['is']:8.2f}   at most {bar['limit']}")


def main():
    enter_view()
    work = tempfile.mkdtemp(prefix="tsrunc-bench-")
    os.chmod(work, 0o711)
    planner = Planner(work)
    peers = {name: shutil.which(name) for name in ("runc", "crun")}
    runtimes = [
        Runtime("warm", TSRUNC, f"{work}/tsrunc", TSRUNC_PLANNER=planner.socket),
        Runtime("cold", TSRUNC, f"{work}/tsrunc", TSRUNC_PLANNER="off"),
        *(Runtime(name, path, f"{work}/{name}") for name, path in peers.items() if path),
    ]
    names = [runtime.name for runtime in runtimes]
    try:
        found = measure(work, runtimes)
        result = {
            "when": datetime.date.today().isoformat(),
            "machine": f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores",
            "versions": {r.name: version(r.path) for r in runtimes} | {"node": version(shutil.which("node"))},
            "rounds": ROUNDS,
            **found,
            "plannerMB": planner.memory(),
        }
        if "crun" in names:
            result["bars"] = bars(result)
        show(result, names)
        os.makedirs(OUT, exist_ok=True)
        with open(f"{OUT}/latest.json", "w") as file:
            json.dump(result, file, indent=2)
            file.write("\n")
        with open(f"{OUT}/latest.svg", "w") as file:
            file.write(chart(result, names))
    finally:
        for runtime in runtimes:
            for id_ in os.listdir(runtime.root):
                subprocess.run(runtime.argv("delete", "--force", id_), env=runtime.env, check=False)
        planner.stop()
        shutil.rmtree(work, ignore_errors=True)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
