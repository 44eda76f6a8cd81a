// A recorded run: what each program printed, and what went over the wire between them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "zmtp.hpp"

/// `kind` is also `line` (printed by a program) or `signal` (sent to it).
struct Event : zmtp::Event {
    double ms = 0;          // since the first event
    std::string who;        // line, signal: the program
    std::string stream;     // line: err if it went to standard error
    size_t connection = 0;  // all others: where, from whom, to whom, and when it arrived
    std::string sender, receiver;
    std::optional<double> arrived;  // empty: never received
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
/// Throws std::runtime_error if the text is no recording.
Recording from_json(const std::string& text);

/// Whether the handshake of a connection is complete at both ends.
bool is_ready(const Recording& recording, size_t connection);
/// The messages and subscriptions in each direction of each connection, sorted. The routing IDs
/// that libzmq makes up are numbered instead.
std::string conversation(const Recording& recording);
/// What cannot be true: a line `received X` before X has arrived, a count that the lines or
/// messages contradict, an event out of order.
std::vector<std::string> faults(const Recording& recording);

std::string draw_text(const Recording& recording, bool handshake, bool colour);
std::string draw_svg(const Recording& recording, bool handshake);
