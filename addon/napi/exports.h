// Owns the list of what the addon gives to JavaScript; src/native/binding.ts holds the types. A test compares the two.
#pragma once

#include <napi.h>

namespace tsrunc::napi {

Napi::Value OpenHelper(const Napi::CallbackInfo& info);
Napi::Value OpenPlan(const Napi::CallbackInfo& info);
Napi::Value SocketPair(const Napi::CallbackInfo& info);
Napi::Value ReceiveNow(const Napi::CallbackInfo& info);
Napi::Value HasChanged(const Napi::CallbackInfo& info);
Napi::Value WatchDescriptor(const Napi::CallbackInfo& info);
Napi::Value AcceptCaller(const Napi::CallbackInfo& info);
Napi::Value PermittedCapabilities(const Napi::CallbackInfo& info);
Napi::Value LastCapability(const Napi::CallbackInfo& info);
Napi::Value PeerOf(const Napi::CallbackInfo& info);
Napi::Value ReceiveMessage(const Napi::CallbackInfo& info);
Napi::Value SendMessage(const Napi::CallbackInfo& info);
Napi::Value IgnoreSignals(const Napi::CallbackInfo& info);
Napi::Value EndProcess(const Napi::CallbackInfo& info);
Napi::Value ListenAt(const Napi::CallbackInfo& info);
Napi::Value ListenForNotify(const Napi::CallbackInfo& info);
Napi::Value SendDatagram(const Napi::CallbackInfo& info);
Napi::Value ConnectTo(const Napi::CallbackInfo& info);
Napi::Value StartUnit(const Napi::CallbackInfo& info);
Napi::Value StopUnit(const Napi::CallbackInfo& info);
Napi::Value SetUnitProperties(const Napi::CallbackInfo& info);
Napi::Value SendDescriptorTo(const Napi::CallbackInfo& info);
Napi::Value WaitReady(const Napi::CallbackInfo& info);
Napi::Value LockDirectory(const Napi::CallbackInfo& info);
Napi::Value Duplicate(const Napi::CallbackInfo& info);
Napi::Value DetachMount(const Napi::CallbackInfo& info);
Napi::Value OpenTree(const Napi::CallbackInfo& info);
Napi::Value OpenPidfd(const Napi::CallbackInfo& info);
Napi::Value SignalPidfd(const Napi::CallbackInfo& info);
Napi::Value HasEnded(const Napi::CallbackInfo& info);
Napi::Value DecodePlan(const Napi::CallbackInfo& info);
Napi::Value AttachDeviceProgram(const Napi::CallbackInfo& info);
Napi::Value CompileSeccomp(const Napi::CallbackInfo& info);
Napi::Value SeccompVersion(const Napi::CallbackInfo& info);

}  // namespace tsrunc::napi
