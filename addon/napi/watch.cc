// watch, waitReady, hasChanged: a call whenever a descriptor is ready, from Node's own event loop (uv_poll).
// lockDirectory: flock(2) without blocking that loop. Knows no protocol.
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <uv.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "../sys/calls.h"
#include "../sys/fd.h"
#include "exports.h"
#include "later.h"
#include "throw.h"

namespace tsrunc::napi {
namespace {

using sys::Call;
using sys::UniqueFd;

// Lives until libuv has let go of the handle, which is after stop().
struct Watch {
  uv_poll_t handle;
  Napi::FunctionReference callback;
  Napi::AsyncContext context;
  bool is_stopped = false;

  explicit Watch(Napi::Env env) : context(env, "tsrunc:watch") {}

  void Stop() {
    if (is_stopped) return;
    is_stopped = true;
    uv_poll_stop(&handle);
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* closed) { delete static_cast<Watch*>(closed->data); });
  }
};

void OnReady(uv_poll_t* handle, int, int) {
  auto* watch = static_cast<Watch*>(handle->data);
  Napi::Env env = watch->callback.Env();
  Napi::HandleScope scope(env);
  try {
    watch->callback.MakeCallback(env.Global(), {}, watch->context);
  } catch (const Napi::Error&) {
    // One connection's trouble must not end the process; the callbacks catch what can be caught.
  }
}

UniqueFd OpenDirectory(Napi::Env env, const std::string& path) {
  int opened = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  return UniqueFd(Check(env, opened < 0 ? sys::Fail(errno, Call::k_openat) : sys::Ok(opened), path));
}

// 0, or the errno.
int Lock(int fd, int flags) {
  int locked;
  do locked = flock(fd, LOCK_EX | flags);
  while (locked < 0 && errno == EINTR);
  return locked < 0 ? errno : 0;
}

}  // namespace

// watch(descriptor, 'read' | 'write', callback): () => void — calls back as long as it is ready, until the function
// that it returns is called; that must be before the descriptor is closed.
Napi::Value WatchDescriptor(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string event = info[1].As<Napi::String>();
  uv_loop_t* loop;
  napi_get_uv_event_loop(env, &loop);
  auto* watch = new Watch(env);
  watch->handle.data = watch;
  int failed = uv_poll_init(loop, &watch->handle, info[0].As<Napi::Number>());
  if (failed != 0) {
    delete watch;
    throw SystemError(env, sys::Fail(-failed, Call::k_poll));
  }
  watch->callback = Napi::Persistent(info[2].As<Napi::Function>());
  uv_poll_start(&watch->handle, event == "write" ? UV_WRITABLE : UV_READABLE | UV_DISCONNECT, OnReady);
  return Napi::Function::New(
      env, [](const Napi::CallbackInfo& info) { static_cast<Watch*>(info.Data())->Stop(); }, "stop", watch);
}

// waitReady(descriptors, 'read' | 'write', milliseconds): blocks until one of them is ready, or at its end: the first
// such; undefined when none is.
Napi::Value WaitReady(const Napi::CallbackInfo& info) {
  auto array = info[0].As<Napi::Array>();
  short events = info[1].As<Napi::String>().Utf8Value() == "write" ? POLLOUT : POLLIN;
  std::vector<pollfd> asked;
  for (uint32_t i = 0; i < array.Length(); i++) asked.push_back({array.Get(i).As<Napi::Number>(), events, 0});
  int milliseconds = info[2].IsNumber() ? info[2].As<Napi::Number>().Int32Value() : -1;
  sys::Outcome found;
  do found = sys::Poll(asked.data(), static_cast<unsigned>(asked.size()), milliseconds);
  while (found.err() == EINTR);
  Check(info.Env(), found);
  for (const pollfd& one : asked)
    if (one.revents != 0) return Napi::Number::New(info.Env(), one.fd);
  return info.Env().Undefined();
}

// hasChanged(descriptor): whether a file of /proc that tells of changes has one to tell, proc_pid_mounts(5).
Napi::Value HasChanged(const Napi::CallbackInfo& info) {
  pollfd asked = {info[0].As<Napi::Number>(), POLLPRI, 0};
  sys::Outcome found = sys::Poll(&asked, 1, 0);
  // EINTR may have taken the news along: it is as good as a change.
  bool has_changed =
      found.err() == EINTR || (Check(info.Env(), found) > 0 && (asked.revents & (POLLPRI | POLLERR)) != 0);
  return Napi::Boolean::New(info.Env(), has_changed);
}

// lockDirectory(path): a promise of an exclusive flock(2) on the directory; another thread waits where somebody else
// has it. Closing the descriptor, or dying, gives it up.
Napi::Value LockDirectory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  std::string path = info[0].As<Napi::String>();
  UniqueFd file = OpenDirectory(env, path);
  int err = Lock(file.get(), LOCK_NB);
  if (err == EWOULDBLOCK) {
    auto waiting = std::make_shared<UniqueFd>(std::move(file));
    auto failed = std::make_shared<int>(0);
    return Later(
        env, [waiting, failed] { *failed = Lock(waiting->get(), 0); },
        [waiting, failed, path](Napi::Env env) {
          Check(env, sys::Fail(*failed, Call::k_fcntl), path);
          return Napi::Number::New(env, waiting->release());
        });
  }
  Check(env, sys::Fail(err, Call::k_fcntl), path);
  return Resolved(env, Napi::Number::New(env, file.release()));
}

}  // namespace tsrunc::napi
