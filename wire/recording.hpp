// A recorded run: what each program printed, and what went over the wire between them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "zmtp.hpp"

/// Besides the kinds of zmtp::Event there are `line` (printed by a program) and `signal` (sent to
/// one).
struct Event : zmtp::Event {
    double ms = 0;          // since the first event
    std::string who{};      // line, signal: the program
    std::string stream{};   // line: err if it went to standard error
    size_t connection = 0;  // all others: where, from whom, to whom
    std::string sender{}, receiver{};
    std::optional<double> arrived{};  // empty: never received
};

struct Program {
    std::string name, command;
};

struct Connection {
    std::string from, to, endpoint;  // `from` connected, `to` accepted
};

struct Recording {
    std::string pattern, note;
    std::vector<Program> programs;  // in the order of the drawing's columns
    std::vector<Connection> connections;
    std::vector<Event> events;  // sorted by ms
};

std::string to_json(const Recording& recording);
/// Throws if the text is not what to_json() writes.
Recording from_json(const std::string& text);

/// Whether the handshake of a connection is complete at both ends.
bool is_ready(const Recording& recording, size_t connection);

std::string draw_text(const Recording& recording, bool handshake, bool colour);
std::string draw_svg(const Recording& recording, bool handshake);

/// What strace wrote about a program.
struct Traced {
    Program program;
    std::vector<std::string> logs;  // one for each thread
};
/// The command that makes such logs, up to their name.
inline const std::string strace_command =
    "strace -ff -ttt -T -yy -xx -s 1000000 -e signal=none "
    "-e trace=sendto,sendmsg,write,writev,recvfrom,recvmsg,accept,accept4 -o";

using Replacements = std::vector<std::pair<std::string, std::string>>;
/// `signals` has the time and the program of each Ctrl-C; `shown` has pairs of texts,
/// such as an address and the one shown for it.
Recording read_traces(const std::vector<Traced>& traced, const std::vector<Event>& signals,
                      const Replacements& shown);
