// Sending of reports; see report.h for the protocol.
#include "report.h"

#include "../sys/message.h"
#include "../sys/text.h"

namespace tsrunc::init {

sys::Outcome Send(int socket, const Report& report, int descriptor) {
  return sys::SendMessage(socket, &report, kReportHead + report.detail_size, descriptor);
}

sys::Outcome SendDescriptor(int socket, const char* name, int descriptor) {
  return sys::SendMessage(socket, name, sys::Length(name), descriptor);
}

}  // namespace tsrunc::init
