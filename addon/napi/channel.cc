// acceptCaller, peerOf, permittedCapabilities, lastCapability, receiveMessage, sendMessage: the planner's side of the
// socket at which fronts ask. Messages are bytes and descriptors; addon/front/protocol.h draws what they mean, which is
// not known here.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "../sys/calls.h"
#include "../sys/fd.h"
#include "../sys/message.h"
#include "../sys/process.h"
#include "exports.h"
#include "throw.h"

namespace tsrunc::napi {
namespace {

using sys::Call;
using sys::UniqueFd;

constexpr size_t kMessageMax = 128 << 10;
constexpr int kSoPeerPidfd = 77;  // SO_PEERPIDFD, Linux 6.5

sys::Outcome Libc(long result, Call call) { return result < 0 ? sys::Fail(errno, call) : sys::Ok(result); }

struct File {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const File& other) const { return device == other.device && inode == other.inode; }
};
File FileAt(int directory, const char* path) {
  struct stat found;
  if (fstatat(directory, path, &found, 0) != 0) return {};
  return {found.st_dev, found.st_ino};
}

struct Capabilities {
  __user_cap_data_struct words[2] = {};
  explicit Capabilities(int pid) {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, pid};
    (void)sys::Raw(__NR_capget, sys::Arg(&header), sys::Arg(words));
  }
  bool operator==(const Capabilities& other) const {
    for (int i = 0; i < 2; i++)
      if (words[i].effective != other.words[i].effective || words[i].permitted != other.words[i].permitted)
        return false;
    return true;
  }
};

// What must be the same, and what it is called.
constexpr struct {
  const char* path;
  const char* name;
} kPlaces[] = {{"ns/mnt", "mnt namespace"}, {"ns/user", "user namespace"},     {"ns/pid", "pid namespace"},
               {"ns/net", "net namespace"}, {"ns/cgroup", "cgroup namespace"}, {"root", "root directory"}};
constexpr size_t kPlaceCount = sizeof(kPlaces) / sizeof(kPlaces[0]);

// This process never changes its own.
const File* OurPlaces() {
  static File ours[kPlaceCount];
  static bool is_known = false;
  if (!is_known) {
    UniqueFd proc(open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (size_t i = 0; i < kPlaceCount; i++) ours[i] = FileAt(proc.get(), kPlaces[i].path);
    is_known = true;
  }
  return ours;
}

// The first way in which the process is not in our place; empty when there is none. Asked from the kernel and not from
// the peer, which could say anything.
const char* DifferenceOf(const ucred& peer) {
  if (peer.uid != geteuid() || peer.gid != getegid()) return "user";
  if (peer.pid <= 0) return "pid namespace";
  UniqueFd proc(open(("/proc/" + std::to_string(peer.pid)).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const File* ours = OurPlaces();
  for (size_t i = 0; i < kPlaceCount; i++)
    if (ours[i].inode == 0 || !(FileAt(proc.get(), kPlaces[i].path) == ours[i])) return kPlaces[i].name;
  if (!(Capabilities(peer.pid) == Capabilities(0))) return "capabilities";
  return "";
}

// Whether the process that connected still lives: then all that was read of its pid was of it. Before Linux 6.5 there
// is no pidfd of it to ask.
bool IsStillThere(int socket) {
  int pidfd = -1;
  socklen_t size = sizeof(pidfd);
  if (getsockopt(socket, SOL_SOCKET, kSoPeerPidfd, &pidfd, &size) != 0) return errno == ENOPROTOOPT;
  UniqueFd owned(pidfd);
  return !sys::HasEnded(pidfd);
}

}  // namespace

// permittedCapabilities(pid): bigint
Napi::Value PermittedCapabilities(const Napi::CallbackInfo& info) {
  Capabilities found(info[0].As<Napi::Number>());
  uint64_t mask = found.words[0].permitted | uint64_t{found.words[1].permitted} << 32;
  return Napi::BigInt::New(info.Env(), mask);
}

// lastCapability(): the highest that this kernel has; asked of prctl(2), since a procfs with subset=pid has no sysctls.
Napi::Value LastCapability(const Napi::CallbackInfo& info) {
  unsigned cap = 0;
  while (cap < 63 && sys::Prctl(PR_CAPBSET_READ, cap + 1).ok()) cap++;
  return Napi::Number::New(info.Env(), cap);
}

// acceptCaller(listening): number | undefined — a connection; undefined when there is none.
Napi::Value AcceptCaller(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  sys::Outcome accepted = sys::Accept4(info[0].As<Napi::Number>(), SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (accepted.err() == EAGAIN || accepted.err() == ECONNABORTED) return env.Undefined();
  return Napi::Number::New(env, Check(env, accepted));
}

// peerOf(socket): {pid, difference} — who connected, and the first way in which it is not in our place.
Napi::Value PeerOf(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int socket = info[0].As<Napi::Number>();
  ucred peer = {};
  socklen_t size = sizeof(peer);
  Check(env, Libc(getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size), Call::k_socket));
  std::string difference = DifferenceOf(peer);
  if (difference.empty() && !IsStillThere(socket)) difference = "process";
  auto result = Napi::Object::New(env);
  result.Set("pid", Napi::Number::New(env, peer.pid));
  result.Set("difference", Napi::String::New(env, difference));
  return result;
}

// receiveMessage(socket): the bytes of the next message; null at the end; undefined when there is none yet. A front
// sends no descriptors: any that come are closed.
Napi::Value ReceiveMessage(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int socket = info[0].As<Napi::Number>();
  static char buffer[kMessageMax];
  iovec part = {buffer, sizeof(buffer)};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  sys::Outcome received = sys::ReceiveOnce(socket, &message, MSG_DONTWAIT | MSG_TRUNC);
  if (received.err() == EAGAIN) return env.Undefined();
  if (received.value == 0 || received.err() == ECONNRESET) return env.Null();
  long size = Check(env, received);
  if (static_cast<size_t>(size) > sizeof(buffer)) throw SystemError(env, sys::Fail(EMSGSIZE, Call::k_recvmsg));
  return Napi::Buffer<char>::Copy(env, buffer, static_cast<size_t>(size));
}

// sendMessage(socket, bytes, descriptors): false when the other side has not read enough of what came before.
Napi::Value SendMessage(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto bytes = info[1].As<Napi::Uint8Array>();
  auto array = info[2].As<Napi::Array>();
  if (array.Length() > sys::kMaxDescriptors) throw SystemError(env, sys::Fail(E2BIG, Call::k_sendmsg));
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * sys::kMaxDescriptors)] = {};
  iovec part = {bytes.Data(), bytes.ByteLength()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (array.Length() > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * array.Length());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * array.Length());
    for (uint32_t i = 0; i < array.Length(); i++)
      reinterpret_cast<int*>(CMSG_DATA(header))[i] = array.Get(i).As<Napi::Number>();
  }
  sys::Outcome sent = sys::Sendmsg(info[0].As<Napi::Number>(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent.err() == EAGAIN) return Napi::Boolean::New(env, false);
  Check(env, sent);
  return Napi::Boolean::New(env, true);
}

}  // namespace tsrunc::napi
