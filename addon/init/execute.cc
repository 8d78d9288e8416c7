// Walks a plan and reports what came of it. Decides nothing: an operation of this stage is executed, in order.
#include "execute.h"

namespace tsrunc::init {
namespace {

sys::Outcome Dispatch(Context& context, uint16_t kind, const plan::FieldReader& fields) {
  switch (kind) {
#define OP(code, name, list)                                   \
  case code: {                                                 \
    plan::name##_op op;                                        \
    if (!plan::Decode(fields, &op)) return sys::Fail(EBADMSG); \
    return Execute(context, op);                               \
  }
#include "../plan/ops.def"
#undef OP
  }
  return sys::Fail(EBADMSG);
}

Report MakeReport(Context& context, Message kind, const sys::Outcome& outcome) {
  Report report = {};
  report.kind = kind;
  report.stage = static_cast<uint32_t>(context.stage);
  report.op = context.op;
  report.call = static_cast<uint32_t>(outcome.call);
  report.err = outcome.err();
  report.detail_size = static_cast<uint32_t>(context.detail.size());
  __builtin_memcpy(report.detail, context.detail.c_str(), report.detail_size);
  context.detail = {};
  return report;
}

}  // namespace

void Die(Context& context, const sys::Outcome& outcome) {
  // When the planner is gone there is nobody to tell; the exit is all that is left.
  (void)Send(context.sync, MakeReport(context, Message::kFail, outcome));
  // Parent must not leave an init behind that waits for a release which never comes: killed, and not only by end of
  // file, since a joined pid namespace may be holding it.
  if (context.child > 0) (void)sys::Kill(context.child, 9);
  sys::Exit(1);
}

void Warn(Context& context, const sys::Outcome& outcome) {
  (void)Send(context.sync, MakeReport(context, Message::kWarn, outcome));
}

void Tell(Context& context, Message kind, int64_t value, int descriptor) {
  Report report = MakeReport(context, kind, sys::Ok());
  report.value = value;
  sys::Outcome sent = Send(context.sync, report, descriptor);
  if (!sent.ok()) Die(context, sent);
}

void RunStage(Context& context) {
  plan::Record record;
  plan::FieldReader fields(nullptr, 0, nullptr, 0);
  context.reader.Rewind();
  while (context.reader.Next(&record, &fields)) {
    if (static_cast<plan::Stage>(record.stage) != context.stage) continue;
    context.op = context.reader.index();
    sys::Outcome outcome = Dispatch(context, record.kind, fields);
    if (!outcome.ok()) Die(context, outcome);
    context.detail = {};
    if ((context.reader.flags() & plan::kReportEveryOp) != 0) Tell(context, Message::kDone, 0);
  }
  if (!context.reader.ok()) Die(context, sys::Fail(EBADMSG));
}

}  // namespace tsrunc::init
