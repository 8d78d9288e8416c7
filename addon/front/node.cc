// Node, as a child or in our place; see node.h.
#include "node.h"

#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>

#include "../sys/calls.h"
#include "../sys/stat.h"
#include "../sys/unix.h"
#include "protocol.h"
#include "spawn.h"

#ifndef TSRUNC_NODE
#error "TSRUNC_NODE: the Node that the addon was built for, as an absolute path"
#endif

namespace tsrunc::front {
namespace {

constexpr unsigned kMaxStrings = 1u << 14;

// Variables by which a caller could make Node run other code, or make it slow: this runs as root.
bool IsRefused(const char* variable) {
  static const char* const refused[] = {
      "NODE_OPTIONS=", "NODE_EXTRA_CA_CERTS=", "NODE_PATH=",  "NODE_V8_COVERAGE=", "NODE_REPL_EXTERNAL_MODULE=",
      "NODE_DEBUG=",   "NODE_COMPILE_CACHE=",  "LD_PRELOAD=", "LD_LIBRARY_PATH=",  "LD_AUDIT=",
      "OPENSSL_CONF=", "TSRUNC_FRONT="};
  for (const char* name : refused)
    if (sys::StartsWith(variable, name)) return true;
  return false;
}

// dist/main.cjs of the tree that this program stands in: ../dist from bin/, ../lib/tsrunc from an installed bin/.
bool FindMain(Path* out) {
  char self[4096];
  sys::Outcome read = sys::ReadlinkAt(AT_FDCWD, "/proc/self/exe", self, sizeof(self) - 1);
  if (!read.ok()) return false;
  self[read.value] = '\0';
  const char* slash = sys::LastSlash(self);
  static const char* const places[] = {"/../dist/main.cjs", "/../lib/tsrunc/dist/main.cjs"};
  for (const char* where : places) {
    Path path;
    path.Add(self, static_cast<size_t>(slash - self)).Add(where);
    struct statx found;
    if (!sys::Statx(AT_FDCWD, path.c_str(), 0, STATX_TYPE, &found).ok()) continue;
    *out = path;
    return true;
  }
  return false;
}

void TryNode(const char* node, const char** argv, const char** envp) {
  argv[0] = node;
  (void)sys::Execve(node, argv, envp);  // comes back only when that one cannot be executed
}

}  // namespace

const char* Variable(char** envp, const char* prefix) {
  for (; *envp != nullptr; envp++)
    if (sys::StartsWith(*envp, prefix)) return *envp + sys::Length(prefix);
  return "";
}

void Say(const char* text) { (void)sys::Write(2, text, sys::Length(text)); }

namespace {

// `front`: the descriptor of a connection to this program; -1: there is none.
int ExecuteNode(const Command& command, int front) {
  static const char* node_argv[kMaxStrings];
  static const char* node_envp[kMaxStrings];
  Path main_js;
  if (!FindMain(&main_js)) {
    Say("tsrunc: dist/main.cjs is missing next to this program: run make\n");
    return 1;
  }
  unsigned args = 1, variables = 0;
  // SIGUSR1 makes Node open its debugger, to anybody who may send it: any process of the same user, a container's too.
  // This address is nobody's (TEST-NET-1, RFC 5737), so it cannot be bound and the debugger stays shut;
  // --disable-sigusr1 is only in newer Nodes.
  node_argv[args++] = "--inspect-port=192.0.2.1:9229";
  node_argv[args++] = "--preserve-symlinks-main";  // spares Node the asking of every component of the path
  node_argv[args++] = main_js.c_str();
  for (int i = 1; i < command.argc && args + 1 < kMaxStrings; i++) node_argv[args++] = command.argv[i];
  Path connection;
  if (front >= 0) {
    connection.Add("TSRUNC_FRONT=").AddNumber(static_cast<uint64_t>(front));
    connection.Add(":").AddNumber(kProtocol).Add(":" TSRUNC_VERSION);
    node_envp[variables++] = connection.c_str();
  }
  for (char** variable = command.envp; *variable != nullptr && variables + 1 < kMaxStrings; variable++)
    if (!IsRefused(*variable)) node_envp[variables++] = *variable;
  // The second Node of a front finds what the first has left here.
  node_argv[args] = nullptr;
  node_envp[variables] = nullptr;

  TryNode(TSRUNC_NODE, node_argv, node_envp);
  for (const char* path = Variable(command.envp, "PATH="); *path != '\0';) {
    Path candidate;
    const char* end = path;
    while (*end != '\0' && *end != ':') end++;
    candidate.Add(path, static_cast<size_t>(end - path)).Add("/node");
    if (*path == '/') TryNode(candidate.c_str(), node_argv, node_envp);
    path = *end == ':' ? end + 1 : end;
  }
  TryNode("/usr/local/bin/node", node_argv, node_envp);
  TryNode("/usr/bin/node", node_argv, node_envp);
  Say("tsrunc: no executable node found: neither " TSRUNC_NODE ", nor in $PATH; install Node 20 or later\n");
  return 1;
}

struct Birth {
  const Command* command;
  long parent;
  int connection;
  bool is_apart;
};

// In a process that shares our memory, which is stopped meanwhile.
int BeNode(void* argument) {
  const auto* birth = static_cast<const Birth*>(argument);
  if (birth->is_apart) (void)sys::Raw(__NR_setsid);
  else (void)sys::Prctl(PR_SET_PDEATHSIG, SIGTERM);  // until Node has something to take back, and ignores it
  if (sys::Raw(__NR_getppid) != birth->parent) return 1;
  (void)sys::Fcntl(birth->connection, F_SETFD, 0);
  uint64_t none = 0;
  (void)sys::Raw(__NR_rt_sigprocmask, SIG_SETMASK, sys::Arg(&none), 0, 8);
  return ExecuteNode(*birth->command, birth->connection);
}

}  // namespace

int BecomeNode(const Command& command) { return ExecuteNode(command, -1); }

sys::UniqueFd StartNode(const Command& command, bool is_apart, int* pid) {
  int ends[2];
  if (sys::Raw(__NR_socketpair, sys::kUnix, sys::kSeqPacket | O_CLOEXEC, 0, sys::Arg(ends)) != 0) {
    Say("tsrunc: no socket for Node: too many files are open\n");
    return sys::UniqueFd();
  }
  sys::UniqueFd ours(ends[0]), theirs(ends[1]);
  Birth birth = {&command, sys::Raw(__NR_getpid), theirs.get(), is_apart};
  sys::Outcome born = Spawn(0, BeNode, &birth);
  if (!born.ok()) {
    Say("tsrunc: no process for Node: too many are running\n");
    return sys::UniqueFd();
  }
  *pid = static_cast<int>(born.value);
  return ours;
}

}  // namespace tsrunc::front
