// Recordings as JSON: an object a line, and only that is read.
#include <cstdio>
#include <sstream>
#include <stdexcept>

#include "recording.hpp"

namespace {

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) result.append(c == '"' || c == '\\' ? 1 : 0, '\\').append(1, c);
    return result + '"';
}
std::string field(const char* name, const std::string& text) {
    return text.empty() ? "" : std::string(", \"") + name + "\": " + quoted(text);
}
std::string number(double ms) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", ms);
    return text;
}

/// The string that begins at `at`, which moves behind it.
std::string unquoted(const std::string& line, size_t& at) {
    std::string text;
    for (++at; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\') ++at;
        if (at < line.size()) text += line[at];
    }
    ++at;
    return text;
}
/// The value of a field as text; empty if there is none. (Inside a string the name would be
/// escaped.)
std::string value(const std::string& line, const std::string& name) {
    const std::string key = '"' + name + "\": ";
    size_t at = line.find(key);
    if (at == line.npos) return "";
    at += key.size();
    if (at < line.size() && line[at] == '"') return unquoted(line, at);
    return line.substr(at, line.find_first_of(",}", at) - at);
}

}  // namespace

std::string to_json(const Recording& recording) {
    std::string text = "{\"pattern\": " + quoted(recording.pattern) + field("note", recording.note);
    const char* before = ", \"programs\": [\n  ";
    for (const auto& [name, command] : recording.programs) {
        text += before + ("{\"name\": " + quoted(name)) + field("command", command) + "}";
        before = ",\n  ";
    }
    before = "],\n \"connections\": [\n  ";
    for (const auto& [from, to, endpoint] : recording.connections) {
        text += before + ("{\"from\": " + quoted(from)) + field("to", to) +
                field("endpoint", endpoint) + "}";
        before = ",\n  ";
    }
    before = "],\n \"events\": [\n  ";
    for (const auto& event : recording.events) {
        text += before + ("{\"ms\": " + number(event.ms)) + field("kind", event.kind) +
                field("who", event.who) + field("stream", event.stream) +
                field("sender", event.sender) + field("receiver", event.receiver) +
                field("version", event.version) + field("mechanism", event.mechanism) +
                field("name", event.name) + field("text", event.text);
        if (event.who.empty())
            text += ", \"connection\": " + std::to_string(event.connection) +
                    ", \"size\": " + std::to_string(event.size) +
                    ", \"arrived\": " + (event.arrived ? number(*event.arrived) : "null");
        if (event.kind == "message") {
            text += ", \"frames\": [";
            for (size_t i = 0; i < event.frames.size(); ++i)
                text += (i > 0 ? ", " : "") + quoted(event.frames[i]);
            text += "]";
        }
        text += "}";
        before = ",\n  ";
    }
    return text + "]}\n";
}

Recording from_json(const std::string& text) {
    Recording recording;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind("{\"pattern\"", 0) == 0) {
            recording.pattern = value(line, "pattern");
            recording.note = value(line, "note");
        } else if (line.rfind("  {\"name\"", 0) == 0) {
            recording.programs.push_back({value(line, "name"), value(line, "command")});
        } else if (line.rfind("  {\"from\"", 0) == 0) {
            recording.connections.push_back(
                {value(line, "from"), value(line, "to"), value(line, "endpoint")});
        } else if (line.rfind("  {\"ms\"", 0) == 0) {
            Event event;
            event.ms = std::stod(value(line, "ms"));
            event.kind = value(line, "kind");
            event.who = value(line, "who");
            event.stream = value(line, "stream");
            event.sender = value(line, "sender");
            event.receiver = value(line, "receiver");
            event.version = value(line, "version");
            event.mechanism = value(line, "mechanism");
            event.name = value(line, "name");
            event.text = value(line, "text");
            if (event.who.empty()) {
                event.connection = std::stoul(value(line, "connection"));
                event.size = std::stoull(value(line, "size"));
                if (const std::string at = value(line, "arrived"); at != "null")
                    event.arrived = std::stod(at);
                if (event.connection >= recording.connections.size())
                    throw std::runtime_error("no recording: a connection that is not listed");
            }
            size_t at = line.find("\"frames\": [");
            if (event.kind == "message" && at != line.npos)
                for (at += 11; at < line.size() && line[at] == '"'; at += line[at] == ',' ? 2 : 0)
                    event.frames.push_back(unquoted(line, at));
            recording.events.push_back(event);
        }
    }
    if (recording.programs.empty()) throw std::runtime_error("no recording: no programs");
    return recording;
}
