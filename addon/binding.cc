// The addon's table of contents. Everything here is the host's side: no call of it enters a namespace.
#include "napi/exports.h"
#include "napi/throw.h"
#include "plan/plan.h"

namespace tsrunc::napi {

static Napi::Value ErrnoNameOf(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), ErrnoName(info[0].As<Napi::Number>()));
}

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("openHelper", Napi::Function::New<OpenHelper>(env));
  exports.Set("openPlan", Napi::Function::New<OpenPlan>(env));
  exports.Set("socketPair", Napi::Function::New<SocketPair>(env));
  exports.Set("receiveNow", Napi::Function::New<ReceiveNow>(env));
  exports.Set("hasChanged", Napi::Function::New<HasChanged>(env));
  exports.Set("watch", Napi::Function::New<WatchDescriptor>(env));
  exports.Set("acceptCaller", Napi::Function::New<AcceptCaller>(env));
  exports.Set("permittedCapabilities", Napi::Function::New<PermittedCapabilities>(env));
  exports.Set("lastCapability", Napi::Function::New<LastCapability>(env));
  exports.Set("peerOf", Napi::Function::New<PeerOf>(env));
  exports.Set("receiveMessage", Napi::Function::New<ReceiveMessage>(env));
  exports.Set("sendMessage", Napi::Function::New<SendMessage>(env));
  exports.Set("ignoreSignals", Napi::Function::New<IgnoreSignals>(env));
  exports.Set("endProcess", Napi::Function::New<EndProcess>(env));
  exports.Set("listenAt", Napi::Function::New<ListenAt>(env));
  exports.Set("listenForNotify", Napi::Function::New<ListenForNotify>(env));
  exports.Set("sendDatagram", Napi::Function::New<SendDatagram>(env));
  exports.Set("startUnit", Napi::Function::New<StartUnit>(env));
  exports.Set("stopUnit", Napi::Function::New<StopUnit>(env));
  exports.Set("setUnitProperties", Napi::Function::New<SetUnitProperties>(env));
  exports.Set("connectTo", Napi::Function::New<ConnectTo>(env));
  exports.Set("sendDescriptor", Napi::Function::New<SendDescriptorTo>(env));
  exports.Set("waitReady", Napi::Function::New<WaitReady>(env));
  exports.Set("lockDirectory", Napi::Function::New<LockDirectory>(env));
  exports.Set("duplicate", Napi::Function::New<Duplicate>(env));
  exports.Set("detachMount", Napi::Function::New<DetachMount>(env));
  exports.Set("openTree", Napi::Function::New<OpenTree>(env));
  exports.Set("openPidfd", Napi::Function::New<OpenPidfd>(env));
  exports.Set("signalPidfd", Napi::Function::New<SignalPidfd>(env));
  exports.Set("hasEnded", Napi::Function::New<HasEnded>(env));
  exports.Set("decodePlan", Napi::Function::New<DecodePlan>(env));
  exports.Set("attachDeviceProgram", Napi::Function::New<AttachDeviceProgram>(env));
  exports.Set("compileSeccomp", Napi::Function::New<CompileSeccomp>(env));
  exports.Set("seccompVersion", Napi::Function::New<SeccompVersion>(env));
  exports.Set("errnoName", Napi::Function::New<ErrnoNameOf>(env));
  exports.Set("planVersion", Napi::Number::New(env, plan::kVersion));
  return exports;
}

NODE_API_MODULE(tsrunc, Init)

}  // namespace tsrunc::napi
