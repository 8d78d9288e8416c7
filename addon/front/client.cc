// The way to a planner; see client.h.
#include "client.h"

#include <linux/errno.h>
#include <linux/fcntl.h>

#include "../sys/calls.h"
#include "../sys/message.h"
#include "../sys/process.h"
#include "../sys/unix.h"

#ifndef TSRUNC_VERSION
#error "TSRUNC_VERSION: that of package.json"
#endif

namespace tsrunc::front {

MessageBuffer g_message;

namespace {

using sys::Outcome;
using sys::UniqueFd;

constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD
constexpr int kPeerCred = 17;   // SO_PEERCRED

// --- the way to the planner --------------------------------------------------------------------------------------

// TSRUNC_PLANNER, or the place where a planner of this user listens by default; empty: none is wanted.
Path SocketPath(char** envp) {
  Path path;
  const char* given = Variable(envp, "TSRUNC_PLANNER=");
  if (sys::Equal(given, "off")) return path;
  if (*given != '\0') path.Add(given);
  else if (sys::Raw(__NR_geteuid) == 0) path.Add("/run/tsrunc-planner.sock");
  else if (const char* directory = Variable(envp, "XDG_RUNTIME_DIR="); *directory != '\0')
    path.Add(directory).Add("/tsrunc-planner.sock");
  return path;
}

// Whether the process is in the same namespace as we are.
bool IsSharing(uint64_t pid, const char* kind) {
  struct statx ours, theirs;
  Path path, own;
  path.Add("/proc/").AddNumber(pid).Add("/ns/").Add(kind);
  own.Add("/proc/self/ns/").Add(kind);
  return sys::Statx(AT_FDCWD, own.c_str(), 0, STATX_INO, &ours).ok() &&
         sys::Statx(AT_FDCWD, path.c_str(), 0, STATX_INO, &theirs).ok() && ours.stx_ino == theirs.stx_ino;
}

// Whether the process that called listen(2) still lives; before Linux 6.5 there is no pidfd of it to ask.
bool IsStillThere(int socket) {
  int pidfd = -1;
  unsigned size = sizeof(pidfd);
  long asked = sys::Raw(__NR_getsockopt, socket, sys::kSolSocket, kPeerPidfd, sys::Arg(&pidfd), sys::Arg(&size));
  if (asked == -ENOPROTOOPT) return true;
  UniqueFd owned(asked == 0 ? pidfd : -1);
  return owned.valid() && !sys::HasEnded(owned.get());
}

// Who listens must be this user, and outside of every container: a plan is carried out as it comes, and who can write
// to the socket's directory could listen there. (systemd listens for a planner that is not there yet.)
bool IsTrusted(int socket) {
  struct {
    int pid;
    unsigned uid, gid;
  } peer = {};
  unsigned size = sizeof(peer);
  long asked = sys::Raw(__NR_getsockopt, socket, sys::kSolSocket, kPeerCred, sys::Arg(&peer), sys::Arg(&size));
  if (asked != 0 || peer.pid <= 0 || peer.uid != static_cast<unsigned>(sys::Raw(__NR_geteuid))) return false;
  auto pid = static_cast<uint64_t>(peer.pid);
  return IsSharing(pid, "mnt") && IsSharing(pid, "user") && IsSharing(pid, "pid") && IsStillThere(socket);
}

UniqueFd ConnectToPlanner(char** envp) {
  Path path = SocketPath(envp);
  UniqueFd socket;
  if (path.size() == 0 || !sys::ConnectUnix(path.c_str(), sys::kSeqPacket, false, &socket, kPatience).ok())
    return UniqueFd();
  return IsTrusted(socket.get()) ? static_cast<UniqueFd&&>(socket) : UniqueFd();
}

// --- the request -------------------------------------------------------------------------------------------------

// Strings, one after the other, each with its zero byte.
class Strings {
 public:
  void Add(const char* text) {
    size_t size = sys::Length(text) + 1;
    if (size > kMessageMax - size_) {
      fits_ = false;
      return;
    }
    __builtin_memcpy(g_message.data + size_, text, size);
    size_ += size;
  }
  bool fits() const { return fits_; }
  size_t size() const { return size_; }

 private:
  size_t size_ = 0;
  bool fits_ = true;
};

// What planning needs of the environment; the container gets nothing of it.
bool IsNeeded(const char* variable) {
  static const char* const needed[] = {
      "XDG_RUNTIME_DIR=", "USER=", "NOTIFY_SOCKET=", "LISTEN_FDS=", "LISTEN_PID=", "TSRUNC_TRACE="};
  for (const char* name : needed)
    if (sys::StartsWith(variable, name)) return true;
  return false;
}

// False when it cannot be sent: too long, or from a directory without a name.
bool SendRequest(int planner, const Command& command) {
  char directory[4096];
  if (!sys::Getcwd(directory, sizeof(directory)).ok() || directory[0] != '/') return false;
  unsigned umask = static_cast<unsigned>(sys::Umask(077).value);
  (void)sys::Umask(umask);
  Strings strings;
  strings.Add(TSRUNC_VERSION);
  strings.Add(directory);
  for (int i = 1; i < command.argc; i++) strings.Add(command.argv[i]);
  for (char** variable = command.envp; *variable != nullptr; variable++)
    if (IsNeeded(*variable)) strings.Add(*variable);
  if (!strings.fits()) return false;
  g_message.head = {kRequest, umask, static_cast<uint32_t>(command.argc - 1), kProtocol};
  return sys::SendMessage(planner, &g_message, sizeof(Head) + strings.size()).ok();
}

// A planner would wait for itself, where systemd listens for it already. (A program of that name in a container goes by
// Node, too.)
bool IsPlanner(const Command& command) {
  for (int i = 1; i < command.argc; i++)
    if (sys::Equal(command.argv[i], "planner")) return true;
  return false;
}

}  // namespace

UniqueFd Request(const Command& command) {
  if (IsPlanner(command)) return UniqueFd();
  UniqueFd planner = ConnectToPlanner(command.envp);
  if (planner.valid() && !SendRequest(planner.get(), command)) planner.reset();
  return planner;
}

}  // namespace tsrunc::front
