// listenAt, listenForNotify, sendDatagram, connectTo, sendDescriptor, openPidfd, signalPidfd: Unix sockets
// and pidfds, to which Node has no door.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "../init/report.h"
#include "../sys/calls.h"
#include "../sys/fd.h"
#include "../sys/process.h"
#include "exports.h"
#include "later.h"
#include "throw.h"

namespace tsrunc::napi {
namespace {

using sys::Call;
using sys::UniqueFd;

constexpr int kBacklog = 1024;  // of a planner; a gate has one caller

sys::Outcome Libc(long result, Call call) { return result < 0 ? sys::Fail(errno, call) : sys::Ok(result); }

// The address of a socket file. sun_path holds 107 bytes and paths are longer: the directory is named by a descriptor.
struct Address {
  sockaddr_un name = {};
  UniqueFd directory;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
};

Address AddressOf(Napi::Env env, const std::string& path) {
  Address address;
  address.name.sun_family = AF_UNIX;
  size_t slash = path.rfind('/');
  std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  address.directory.reset(static_cast<int>(
      Check(env, Libc(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC), Call::k_openat), path)));
  std::string shorter = "/proc/self/fd/" + std::to_string(address.directory.get()) + "/" + path.substr(slash + 1);
  if (shorter.size() >= sizeof(address.name.sun_path))
    throw SystemError(env, sys::Fail(ENAMETOOLONG, Call::k_connect), path);
  memcpy(address.name.sun_path, shorter.c_str(), shorter.size() + 1);
  return address;
}

UniqueFd OpenSocket(Napi::Env env, int type) {
  return UniqueFd(Check(env, Libc(socket(AF_UNIX, type | SOCK_CLOEXEC, 0), Call::k_socket)));
}

// A socket file at `path` with the mode.
UniqueFd Bind(Napi::Env env, int type, const std::string& path, mode_t mode) {
  UniqueFd socket = OpenSocket(env, type);
  Address address = AddressOf(env, path);
  mode_t before = umask(0777 & ~mode);
  sys::Outcome bound = Libc(bind(socket.get(), address.get(), sizeof(address.name)), Call::k_bind);
  umask(before);
  Check(env, bound, path);
  return socket;
}

}  // namespace

// listenAt(path): a listening SOCK_SEQPACKET socket, for its owner only.
Napi::Value ListenAt(const Napi::CallbackInfo& info) {
  std::string path = info[0].As<Napi::String>();
  UniqueFd socket = Bind(info.Env(), SOCK_SEQPACKET, path, 0600);
  Check(info.Env(), Libc(listen(socket.get(), kBacklog), Call::k_bind), path);
  return Napi::Number::New(info.Env(), socket.release());
}

// listenForNotify(path): a datagram socket that everybody who can reach it may write to, whatever user the container
// has.
Napi::Value ListenForNotify(const Napi::CallbackInfo& info) {
  UniqueFd socket = Bind(info.Env(), SOCK_DGRAM, info[0].As<Napi::String>(), 0777);
  return Napi::Number::New(info.Env(), socket.release());
}

// sendDatagram(path, text): one datagram to a Unix socket; EAGAIN rather than waiting for a reader.
Napi::Value SendDatagram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path = info[0].As<Napi::String>(), text = info[1].As<Napi::String>();
  UniqueFd socket = OpenSocket(env, SOCK_DGRAM);
  Address address = AddressOf(env, path);
  Check(env,
        Libc(sendto(socket.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL, address.get(),
                    sizeof(address.name)),
             Call::k_sendmsg),
        path);
  return env.Undefined();
}

// connectTo(path, kind): a promise of a connected socket, kind "seqpacket" or "stream". Where the listener has no room
// left, another thread waits for it.
Napi::Value ConnectTo(const Napi::CallbackInfo& info) {
  struct Connecting {
    UniqueFd socket;
    Address address;
    sys::Outcome outcome;
    void Connect() { outcome = Libc(connect(socket.get(), address.get(), sizeof(address.name)), Call::k_connect); }
  };
  Napi::Env env = info.Env();
  std::string path = info[0].As<Napi::String>();
  std::string kind = info[1].As<Napi::String>();
  auto given = std::make_shared<Connecting>();
  given->socket = OpenSocket(env, (kind == "stream" ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_NONBLOCK);
  given->address = AddressOf(env, path);
  given->Connect();
  bool must_wait = given->outcome.err() == EAGAIN;
  Check(env, Libc(fcntl(given->socket.get(), F_SETFL, 0), Call::k_fcntl));
  auto finish = [given, path](Napi::Env env) -> Napi::Value {
    Check(env, given->outcome, path);
    return Napi::Number::New(env, given->socket.release());
  };
  if (must_wait)
    return Later(
        env, [given] { given->Connect(); }, finish);
  return Resolved(env, finish(env));
}

// sendDescriptor(socket, name, descriptor): one message, the name being its text.
Napi::Value SendDescriptorTo(const Napi::CallbackInfo& info) {
  std::string name = info[1].As<Napi::String>();
  Check(info.Env(), init::SendDescriptor(info[0].As<Napi::Number>(), name.c_str(), info[2].As<Napi::Number>()));
  return info.Env().Undefined();
}

// duplicate(descriptor): another number for the same open file, close-on-exec.
Napi::Value Duplicate(const Napi::CallbackInfo& info) {
  int fd = info[0].As<Napi::Number>();
  return Napi::Number::New(info.Env(), Check(info.Env(), Libc(fcntl(fd, F_DUPFD_CLOEXEC, 3), Call::k_fcntl)));
}

// openTree(path, recursive): a detached copy of the mount at `path`, open_tree(2); Linux 5.2.
Napi::Value OpenTree(const Napi::CallbackInfo& info) {
  std::string path = info[0].As<Napi::String>();
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (info[1].As<Napi::Boolean>() ? AT_RECURSIVE : 0);
  return Napi::Number::New(info.Env(), Check(info.Env(), sys::OpenTree(AT_FDCWD, path.c_str(), flags), path));
}

// detachMount(path): umount2(2) of the uppermost mount there, lazily and with all that is on it; a link is not
// followed.
Napi::Value DetachMount(const Napi::CallbackInfo& info) {
  constexpr int kDetach = 2, kNoFollow = 8;  // MNT_DETACH, UMOUNT_NOFOLLOW
  std::string path = info[0].As<Napi::String>();
  Check(info.Env(), sys::Umount2(path.c_str(), kDetach | kNoFollow), path);
  return info.Env().Undefined();
}

// openPidfd(pid): what means this process for ever, whoever gets the number later: sys/process.h.
Napi::Value OpenPidfd(const Napi::CallbackInfo& info) {
  int pid = info[0].As<Napi::Number>();
  return Napi::Number::New(info.Env(), Check(info.Env(), sys::OpenProcess(pid)));
}

// signalPidfd(pidfd, signal)
Napi::Value SignalPidfd(const Napi::CallbackInfo& info) {
  int pidfd = info[0].As<Napi::Number>();
  int signal = info[1].As<Napi::Number>();
  Check(info.Env(), sys::SignalProcess(pidfd, signal));
  return info.Env().Undefined();
}

// hasEnded(pidfd)
Napi::Value HasEnded(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), sys::HasEnded(info[0].As<Napi::Number>()));
}

}  // namespace tsrunc::napi
