// Owns calls that may wait for long: each runs in a thread of its own, however many there are, and JavaScript has a
// promise of it. (libuv's threads are four, for everything.)
#pragma once

#include <napi.h>

#include <functional>

namespace tsrunc::napi {

// Runs `work` in the thread, where it may touch nothing of JavaScript's. Afterwards, back in JavaScript's thread,
// `finish` gives the value of the promise, or throws what it is rejected with.
Napi::Value Later(Napi::Env env, std::function<void()> work, std::function<Napi::Value(Napi::Env)> finish);

// A promise that is kept already.
Napi::Value Resolved(Napi::Env env, Napi::Value value);

}  // namespace tsrunc::napi
