// The logs of strace become a recording.
#include <algorithm>
#include <cstdlib>
#include <map>

#include "recording.hpp"

namespace {

/// A system call on a file, as strace -ttt -T -yy -xx writes it:
///   1795823891.249224 sendto(9<TCP:[127.0.0.1:40242->127.0.0.1:5555]>, "\x01\x00") = 2 <0.000117>
struct Call {
    double begin = 0, end = 0;  // in ms
    std::string_view name;
    long fd = -1;
    std::string_view file;  // what -yy says of fd; of the new one, where it is accept
    std::string data;
};

std::string_view between(std::string_view text, std::string_view before, std::string_view after) {
    const size_t begin = text.find(before);
    if (begin == text.npos) return {};
    text.remove_prefix(begin + before.size());
    return text.substr(0, text.find(after));
}

double number(std::string_view text) {
    return std::strtod(std::string(text.substr(0, 24)).c_str(), nullptr);
}

/// All strings in the arguments, one behind the other (writev has several).
std::string strings(std::string_view text) {
    const auto hex = [](char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; };
    std::string data;
    for (size_t at = 0; (at = text.find('"', at)) != text.npos; ++at)
        for (++at; at + 3 < text.size() && text[at] == '\\'; at += 4)
            data += static_cast<char>(hex(text[at + 2]) << 4 | hex(text[at + 3]));
    return data;
}

Call parse(std::string_view line) {
    Call call;
    const size_t open = line.find('('), close = line.rfind(") = "), took = line.rfind(" <");
    if (line.size() < 20 || open == line.npos || close == line.npos || took == line.npos)
        return call;
    call.begin = number(line.substr(0, 10)) * 1e3 + number(line.substr(11, 6)) / 1e3;
    call.end = call.begin + number(line.substr(took + 2)) * 1e3;
    call.name = between(line.substr(0, open), " ", "(");
    call.fd = static_cast<long>(number(line.substr(open + 1)));
    const bool accepts = call.name.rfind("accept", 0) == 0;
    call.file = between(accepts ? line.substr(close) : line.substr(0, close), "<", "]>");
    const double result = number(line.substr(close + 4));
    const bool is_connection = call.file.find("->") != call.file.npos;
    if (result > 0 && !accepts && (is_connection || call.fd == 1 || call.fd == 2)) {
        call.data = strings(line.substr(open, close - open));
        call.data.resize(static_cast<size_t>(result));
    }
    return call;
}

/// One direction of one connection.
struct Way {
    std::string sender = "not traced", receiver = sender;
    std::vector<std::pair<double, std::string>> sent, received;
    std::string endpoint;  // if `receiver` accepted the connection: where
};

/// The two addresses of a connection: of this end, of the other. Empty if it is none.
std::pair<std::string, std::string> ends(std::string_view file) {
    const size_t arrow = file.find("->"), begin = file.find('[') + 1;
    if ((file.rfind("TCP", 0) != 0 && file.rfind("UNIX", 0) != 0) || arrow == file.npos) return {};
    return {std::string(file.substr(begin, arrow - begin)),
            std::string(file.substr(arrow + 2, file.find(',', arrow) - arrow - 2))};
}

std::string replaced(std::string text, const Replacements& shown) {
    for (const auto& [from, to] : shown)
        for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
            text.replace(at, from.size(), to);
    return text;
}

/// What went one way, decoded from the sent bytes. An event has arrived when its last byte has.
void add(std::vector<Event>& events, size_t connection, const Way& way) {
    zmtp::Decoder decoder;
    std::uint64_t total = 0, before = 0;  // bytes up to the end of the event, before `received`
    auto received = way.received.begin();
    const auto add_one = [&](double ms, const zmtp::Event& decoded) {
        Event event{decoded, ms, "", "", connection, way.sender, way.receiver};
        total += decoded.size;
        while (received != way.received.end() && before + received->second.size() < total)
            before += received++->second.size();
        if (received != way.received.end()) event.arrived = std::max(ms, received->first);
        events.push_back(event);
    };
    const auto& source = way.sent.empty() ? way.received : way.sent;
    for (const auto& [ms, data] : source)
        for (const auto& event : decoder.feed(data)) add_one(ms, event);
    if (decoder.unfinished() > 0)
        add_one(source.back().first,
                {.kind = "bytes", .text = "unfinished", .size = decoder.unfinished()});
}

}  // namespace

Recording read_traces(const std::vector<Traced>& traced, const std::vector<Event>& signals,
                      const Replacements& shown) {
    Recording recording;
    std::vector<Event>& events = recording.events = signals;
    std::map<std::pair<std::string, std::string>, Way> ways;  // by addresses, the sender's first
    for (const auto& [program, logs] : traced) {
        recording.programs.push_back({program.name, replaced(program.command, shown)});
        std::vector<Call> calls;
        for (const std::string& log : logs)
            for (size_t at = 0, end; (end = log.find('\n', at)) != log.npos; at = end + 1)
                calls.push_back(parse(std::string_view(log).substr(at, end - at)));
        std::stable_sort(calls.begin(), calls.end(),
                         [](const Call& a, const Call& b) { return a.begin < b.begin; });
        std::string printed[3];
        for (Call& call : calls) {
            if (call.name.rfind("write", 0) == 0 && (call.fd == 1 || call.fd == 2)) {
                std::string& rest = printed[call.fd].append(call.data);
                for (size_t end; (end = rest.find('\n')) != rest.npos; rest.erase(0, end + 1)) {
                    Event line{
                        {.kind = "line"}, call.begin, program.name, call.fd == 2 ? "err" : ""};
                    for (const char c : rest.substr(0, end))
                        line.text +=
                            c < 0x20 || c > 0x7e ? zmtp::printable({&c, 1}) : std::string(1, c);
                    events.push_back(line);
                }
                continue;
            }
            const auto [here, there] = ends(call.file);
            if (here.empty()) continue;
            Way &out = ways[{here, there}], &in = ways[{there, here}];
            out.sender = in.receiver = program.name;
            if (call.name.rfind("accept", 0) == 0) {
                const std::string path = strings(call.file);  // of a UNIX socket
                in.endpoint = path.empty() ? "tcp://" + here : "ipc://" + path;
            }
            if (call.data.empty()) continue;
            if (call.name.rfind("recv", 0) == 0)
                in.received.emplace_back(call.end, std::move(call.data));
            else
                out.sent.emplace_back(call.begin, std::move(call.data));
        }
    }
    std::vector<Connection> connections;
    for (const auto& [addresses, way] : ways) {
        const Way& back = ways[{addresses.second, addresses.first}];
        // From the side that connected, or from either, if that was not seen.
        if (way.endpoint.empty() && (!back.endpoint.empty() || addresses.first > addresses.second))
            continue;
        add(events, connections.size(), way);
        add(events, connections.size(), back);
        connections.push_back({way.sender, way.receiver,
                               way.endpoint.empty() ? "tcp://" + addresses.second : way.endpoint});
    }
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.ms < b.ms; });
    std::map<size_t, size_t> numbers;  // of the connections, in order of time
    const double zero = events.empty() ? 0 : events.front().ms;
    for (Event& event : events) {
        event.ms -= zero;
        event.text = replaced(event.text, shown);
        for (std::string& frame : event.frames) frame = replaced(frame, shown);
        if (!event.who.empty()) continue;
        if (event.arrived) *event.arrived -= zero;
        const auto [number, is_new] = numbers.try_emplace(event.connection, numbers.size());
        if (is_new) {
            auto& connection = recording.connections.emplace_back(connections[event.connection]);
            connection.endpoint = replaced(connection.endpoint, shown);
            for (const auto& name : {connection.from, connection.to})
                if (name == Way().sender && recording.programs.back().name != name)
                    recording.programs.push_back({name, ""});
        }
        event.connection = number->second;
    }
    return recording;
}

bool is_ready(const Recording& recording, size_t connection) {
    int ready = 0, wanted = 2;  // with CURVE only the server says READY
    for (const auto& event : recording.events) {
        if (!event.who.empty() || event.connection != connection || !event.arrived) continue;
        if (event.kind == "greeting" && event.mechanism != "NULL") wanted = 1;
        if (event.kind == "command" && event.name == "READY") ++ready;
    }
    return ready >= wanted;
}
