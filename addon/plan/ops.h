// Owns one struct for each operation, made from ops.def, and its decoding. Knows no operation's meaning.
#pragma once

#include "plan.h"

namespace tsrunc::plan {

#define U(name) uint64_t name;
#define S(name) const char* name;
#define L(name) Strings name;
#define N(name) Numbers name;
#define B(name) Bytes name;
#define OP(code, name, fields)              \
  struct name##_op {                        \
    static constexpr uint16_t kCode = code; \
    fields                                  \
  };
#include "ops.def"
#undef OP
#undef U
#undef S
#undef L
#undef N
#undef B

#define U(name) &&reader.Number(&op->name)
#define S(name) &&reader.String(&op->name)
#define L(name) &&reader.List(&op->name)
#define N(name) &&reader.List(&op->name)
#define B(name) &&reader.Blob(&op->name)
#define OP(code, name, fields)                            \
  inline bool Decode(FieldReader reader, name##_op* op) { \
    (void)op;                                             \
    return true fields && reader.AtEnd();                 \
  }
#include "ops.def"
#undef OP
#undef U
#undef S
#undef L
#undef N
#undef B

}  // namespace tsrunc::plan
