// JavaScript errors from outcomes; see throw.h.
#include "throw.h"

#include <cstring>

namespace tsrunc::napi {

const char* ErrnoName(int err) {
  const char* name = strerrorname_np(err);
  return name == nullptr ? "UNKNOWN" : name;
}

const char* ErrnoText(int err) {
  const char* text = strerrordesc_np(err);
  return text == nullptr ? "unknown error" : text;
}

const char* CallName(unsigned call) {
  static const char* const names[] = {
#define CALL(name) #name,
#include "../sys/calls.def"
#undef CALL
  };
  return call < sizeof(names) / sizeof(names[0]) ? names[call] : "unknown";
}

Napi::Error SystemError(Napi::Env env, const sys::Outcome& outcome, const std::string& path) {
  const char* call = CallName(static_cast<unsigned>(outcome.call));
  std::string message = std::string(ErrnoName(outcome.err())) + ": " + ErrnoText(outcome.err()) + ", " + call;
  if (!path.empty()) message += " '" + path + "'";
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, ErrnoName(outcome.err())));
  error.Set("errno", Napi::Number::New(env, -outcome.err()));
  error.Set("syscall", Napi::String::New(env, call));
  if (!path.empty()) error.Set("path", Napi::String::New(env, path));
  return error;
}

long Check(Napi::Env env, const sys::Outcome& outcome, const std::string& path) {
  if (!outcome.ok()) throw SystemError(env, outcome, path);
  return outcome.value;
}

}  // namespace tsrunc::napi
