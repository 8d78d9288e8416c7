// Owns the only place where a JavaScript error is made. Its shape is Node's own: code, errno < 0, syscall, path.
#pragma once

#include <napi.h>

#include "../sys/outcome.h"

namespace tsrunc::napi {

const char* ErrnoName(int err);  // "EPERM"; Node's own table is libuv's and lacks many
const char* ErrnoText(int err);  // "Operation not permitted"
const char* CallName(unsigned call);

Napi::Error SystemError(Napi::Env env, const sys::Outcome& outcome, const std::string& path = "");
// The value of a call that worked; throws otherwise.
long Check(Napi::Env env, const sys::Outcome& outcome, const std::string& path = "");

}  // namespace tsrunc::napi
