// receiveNow, ignoreSignals, endProcess: the planning side of a running helper, and this process itself.
#include <signal.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "../init/report.h"
#include "../supervise/signals.h"
#include "../sys/message.h"
#include "exports.h"
#include "throw.h"

namespace tsrunc::napi {

// receiveNow(sync): the next report; null at end of file; undefined where there is none yet.
Napi::Value ReceiveNow(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int sync = info[0].As<Napi::Number>();
  init::Report report = {};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec part = {&report, sizeof(report)};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  sys::Outcome outcome = sys::ReceiveOnce(sync, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (outcome.err() == EAGAIN) return env.Undefined();
  if (outcome.err() == ECONNRESET) return env.Null();
  long received = Check(env, outcome);
  if (received == 0) return env.Null();
  if (received < init::kReportHead || report.detail_size > sizeof(report.detail))
    throw SystemError(env, sys::Fail(EBADMSG, sys::Call::k_recvmsg));
  auto result = Napi::Object::New(env);
  result.Set("kind", Napi::Number::New(env, static_cast<uint32_t>(report.kind)));
  result.Set("stage", Napi::Number::New(env, report.stage));
  result.Set("op", Napi::Number::New(env, report.op));
  result.Set("call", Napi::String::New(env, CallName(report.call)));
  result.Set("errno", Napi::Number::New(env, report.err));
  result.Set("code", Napi::String::New(env, report.err == 0 ? "" : ErrnoName(report.err)));
  result.Set("text", Napi::String::New(env, report.err == 0 ? "" : ErrnoText(report.err)));
  result.Set("detail", Napi::String::New(env, report.detail, report.detail_size));
  result.Set("value", Napi::Number::New(env, static_cast<double>(report.value)));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS)
    result.Set("descriptor", Napi::Number::New(env, *reinterpret_cast<int*>(CMSG_DATA(header))));
  return result;
}

// ignoreSignals(): what may be sent to this process because it is of the container's process group does not end it.
Napi::Value IgnoreSignals(const Napi::CallbackInfo& info) {
  for (int number = 1; number <= supervise::kSignals; number++)
    if (supervise::IsForwarded(number)) (void)signal(number, SIG_IGN);
  return info.Env().Undefined();
}

// endProcess(status): _exit(2), with nothing of Node's or V8's own taken down first.
Napi::Value EndProcess(const Napi::CallbackInfo& info) { sys::Exit(info[0].As<Napi::Number>().Int32Value()); }

}  // namespace tsrunc::napi
