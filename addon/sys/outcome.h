// Owns the result type of every wrapper: a value, or an error number and the call that gave it.
#pragma once

namespace tsrunc::sys {

enum class Call : unsigned {
#define CALL(name) k_##name,
#include "calls.def"
#undef CALL
  kCount,
};

// `value` is what the kernel returned; a negative one is -errno. Never thrown, never logged: the caller decides.
struct [[nodiscard]] Outcome {
  long value = 0;
  Call call = Call::k_none;

  bool ok() const { return value >= 0; }
  int err() const { return value < 0 ? static_cast<int>(-value) : 0; }
};

inline Outcome Ok(long value = 0) { return {value, Call::k_none}; }
inline Outcome Fail(int err, Call call = Call::k_none) { return {-err, call}; }

}  // namespace tsrunc::sys

// Returns from the enclosing function when `expression` failed.
#define TSRUNC_TRY(expression)                         \
  do {                                                 \
    ::tsrunc::sys::Outcome try_outcome = (expression); \
    if (!try_outcome.ok()) return try_outcome;         \
  } while (0)
