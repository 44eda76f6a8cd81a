#include "strace.hpp"

#include <algorithm>
#include <cstdlib>

namespace {

/// A system call, as strace -ttt -T -yy -xx writes it:
///   1795823891.249224 sendto(9<TCP:[127.0.0.1:40242->127.0.0.1:5555]>, "\x01\x00", ...) = 9
///   <0.000117>
struct Call {
    double begin = 0, end = 0;  // in ms
    std::string_view name;
    long fd = 0, result = -1;
    std::string_view file, accepted;  // what -yy says of fd, and of the result
    std::string data;
};

std::string_view between(std::string_view text, std::string_view before, std::string_view after) {
    const size_t begin = text.find(before);
    if (begin == text.npos) return {};
    text.remove_prefix(begin + before.size());
    return text.substr(0, text.find(after));
}

long to_number(std::string_view text) {
    return std::strtol(std::string(text.substr(0, 20)).c_str(), nullptr, 10);
}

int hex(char c) {
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/// All strings in the arguments, one behind the other (writev has several).
std::string strings(std::string_view text) {
    std::string data;
    for (size_t at = 0; (at = text.find('"', at)) != text.npos; ++at)
        for (++at; at + 3 < text.size() && text[at] == '\\'; at += 4)
            data += static_cast<char>(hex(text[at + 2]) << 4 | hex(text[at + 3]));
    return data;
}

Call parse(std::string_view line) {
    Call call;
    const size_t open = line.find('('), equals = line.rfind(") = ");
    const size_t space = line.find(' ');
    if (open == line.npos || equals == line.npos || space > open) return call;
    call.begin = static_cast<double>(to_number(line)) * 1e3 +
                 static_cast<double>(to_number(between(line, ".", " "))) / 1e3;
    call.name = line.substr(space + 1, open - space - 1);
    call.fd = to_number(line.substr(open + 1));
    call.result = to_number(line.substr(equals + 4));
    call.file = between(line.substr(0, equals), "<", "]>");
    call.accepted = between(line.substr(equals), "<", "]>");
    const size_t took = line.rfind(" <");
    call.end =
        call.begin + std::strtod(std::string(line.substr(took + 2, 20)).c_str(), nullptr) * 1e3;
    if (call.result > 0 && call.name != "connect" && call.name.rfind("accept", 0) != 0) {
        call.data = strings(line.substr(open, equals - open));
        call.data.resize(static_cast<size_t>(call.result));  // a peek, or cut by strace
    }
    return call;
}

/// The two addresses of a connection; empty if it is none.
std::pair<std::string, std::string> ends(std::string_view file) {
    const size_t arrow = file.find("->"), begin = file.find('[') + 1;
    if ((file.rfind("TCP", 0) != 0 && file.rfind("UNIX", 0) != 0) || arrow == file.npos) return {};
    return {std::string(file.substr(begin, arrow - begin)),
            std::string(file.substr(arrow + 2, file.find(',', arrow) - arrow - 2))};
}

/// One direction of one connection.
struct Way {
    std::string sender, receiver;
    std::vector<std::pair<double, std::string>> sent, received;
    std::string endpoint;  // if `receiver` has accepted the connection: where
};

std::string replaced(std::string text,
                     const std::vector<std::pair<std::string, std::string>>& all) {
    for (const auto& [from, to] : all)
        for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
            text.replace(at, from.size(), to);
    return text;
}

std::string known(const std::string& name) {
    return name.empty() ? "not traced" : name;
}

/// What went this way, decoded from the bytes sent. An event has arrived when its last byte has.
void add(std::vector<Event>& events, size_t connection, const Way& way) {
    zmtp::Decoder decoder;
    std::uint64_t total = 0, arrived = 0;
    auto received = way.received.begin();
    const auto add_one = [&](double ms, const zmtp::Event& decoded) {
        Event event;
        static_cast<zmtp::Event&>(event) = decoded;
        event.ms = ms;
        event.connection = connection;
        event.sender = known(way.sender);
        event.receiver = known(way.receiver);
        total += decoded.size;
        while (received != way.received.end() && arrived + received->second.size() < total)
            arrived += received++->second.size();
        if (received != way.received.end()) event.arrived = std::max(ms, received->first);
        events.push_back(event);
    };
    const auto& source = way.sent.empty() ? way.received : way.sent;
    for (const auto& [ms, data] : source)
        for (const auto& event : decoder.feed(data)) add_one(ms, event);
    if (decoder.unfinished() > 0)
        add_one(source.back().first, {.kind = "bytes", .size = decoder.unfinished()});
}

/// In order of time, from 0 on, with the connections in the order in which they were made.
void finish(Recording& recording, const std::vector<std::pair<std::string, std::string>>& shown) {
    auto& events = recording.events;
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.ms < b.ms; });
    const double zero = events.empty() ? 0 : events.front().ms;
    std::map<size_t, size_t> numbers;
    std::vector<Connection> connections;
    bool outside = false;
    for (Event& event : events) {
        event.ms -= zero;
        if (event.arrived) *event.arrived -= zero;
        for (std::string* text : {&event.text, &event.who}) *text = replaced(*text, shown);
        for (std::string& frame : event.frames) frame = replaced(frame, shown);
        if (!event.who.empty()) continue;
        const auto [at, added] = numbers.try_emplace(event.connection, numbers.size());
        if (added) {
            connections.push_back(recording.connections[event.connection]);
            connections.back().endpoint = replaced(connections.back().endpoint, shown);
        }
        event.connection = at->second;
        outside = outside || event.sender == known("") || event.receiver == known("");
    }
    recording.connections = connections;
    if (outside) recording.programs.push_back({known(""), ""});
}

}  // namespace

std::vector<std::string> strace_command(const std::string& log) {
    return {"strace",
            "-ff",
            "-ttt",
            "-T",
            "-yy",
            "-xx",
            "-s",
            "1000000",
            "-e",
            "signal=none",
            "-e",
            "trace=sendto,sendmsg,write,writev,recvfrom,recvmsg,accept,accept4,connect,listen",
            "-o",
            log};
}

Reading read_traces(const std::vector<Traced>& traced,
                    const std::vector<std::pair<double, std::string>>& signals,
                    const std::vector<std::pair<std::string, std::string>>& shown) {
    Reading reading;
    Recording& recording = reading.recording;
    std::map<std::pair<std::string, std::string>, Way> ways;
    for (const auto& [program, logs] : traced) {
        const std::string& who = program.name;
        recording.programs.push_back({who, replaced(program.command, shown)});
        std::vector<Call> calls;
        for (const std::string& log : logs)
            for (size_t at = 0, end; (end = log.find('\n', at)) != log.npos; at = end + 1)
                calls.push_back(parse(std::string_view(log).substr(at, end - at)));
        std::stable_sort(calls.begin(), calls.end(),
                         [](const Call& a, const Call& b) { return a.begin < b.begin; });
        std::string printed[3];
        for (Call& call : calls) {
            const bool accepted = call.name.rfind("accept", 0) == 0;
            const auto [here, there] = ends(accepted ? call.accepted : call.file);
            if (call.name == "listen") ++reading.listening[who];
            if (call.name == "write" || call.name == "writev")
                if (call.fd == 1 || call.fd == 2) {
                    std::string& rest = printed[call.fd].append(call.data);
                    for (size_t end; (end = rest.find('\n')) != rest.npos; rest.erase(0, end + 1)) {
                        Event event;
                        event.kind = "line";
                        event.ms = call.begin;
                        event.who = who;
                        event.text = zmtp::printable(std::string_view(rest).substr(0, end), end);
                        event.stream = call.fd == 2 ? "err" : "";
                        recording.events.push_back(event);
                    }
                    continue;
                }
            if (here.empty()) continue;
            Way &out = ways[{here, there}], &in = ways[{there, here}];
            out.sender = in.receiver = who;
            if (accepted) {  // the path of a UNIX socket is a string
                const std::string path = strings(call.accepted);
                in.endpoint = path.empty() ? here : path;
            }
            if (call.data.empty()) continue;
            if (call.name.rfind("recv", 0) == 0)
                in.received.emplace_back(call.end, std::move(call.data));
            else
                out.sent.emplace_back(call.begin, std::move(call.data));
        }
    }
    for (auto& [addresses, way] : ways) {
        if (way.endpoint.empty() && !ways[{addresses.second, addresses.first}].endpoint.empty())
            continue;  // done with the other direction
        if (way.endpoint.empty() && addresses.second > addresses.first)
            continue;  // which side has accepted was not seen: either will do
        const size_t connection = recording.connections.size();
        add(recording.events, connection, way);
        add(recording.events, connection, ways[{addresses.second, addresses.first}]);
        const std::string at = way.endpoint.empty() ? addresses.second : way.endpoint;
        recording.connections.push_back(
            {known(way.sender), known(way.receiver), at[0] == '/' ? "ipc://" + at : "tcp://" + at});
    }
    for (const auto& [ms, who] : signals) {
        Event event;
        event.kind = "signal";
        event.ms = ms;
        event.who = who;
        event.text = "Ctrl-C";
        recording.events.push_back(event);
    }
    finish(recording, shown);
    return reading;
}
