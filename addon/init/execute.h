// Owns the list of what each stage can do: one Execute for each operation of plan/ops.def, found by overload.
// An operation without one does not compile.
#pragma once

#include "context.h"

namespace tsrunc::init {

#define OP(code, name, fields) sys::Outcome Execute(Context& context, const plan::name##_op& op);
#include "../plan/ops.def"
#undef OP

}  // namespace tsrunc::init
