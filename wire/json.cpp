// Recordings as JSON: an object a line, and only that is read.
#include <cstdio>
#include <sstream>
#include <stdexcept>

#include "recording.hpp"

namespace {

/// The fields that are texts; empty ones are not written.
template <typename Object>
using Fields = std::vector<std::pair<const char*, std::string Object::*>>;
const Fields<Recording> of_recording = {{"pattern", &Recording::pattern},
                                        {"note", &Recording::note}};
const Fields<Program> of_program = {{"name", &Program::name}, {"command", &Program::command}};
const Fields<Connection> of_connection = {
    {"from", &Connection::from}, {"to", &Connection::to}, {"endpoint", &Connection::endpoint}};
const Fields<Event> of_event = {
    {"kind", &Event::kind},           {"who", &Event::who},           {"stream", &Event::stream},
    {"sender", &Event::sender},       {"receiver", &Event::receiver}, {"version", &Event::version},
    {"mechanism", &Event::mechanism}, {"name", &Event::name},         {"text", &Event::text}};

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) result.append(c == '"' || c == '\\' ? 1 : 0, '\\').append(1, c);
    return result + '"';
}
std::string number(double ms) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", ms);
    return text;
}
template <typename Object>
std::string written(const Object& object, const Fields<Object>& fields) {
    std::string text;
    for (const auto& [name, field] : fields)
        if (!(object.*field).empty())
            text +=
                std::string(text.empty() ? "" : ", ") + quoted(name) + ": " + quoted(object.*field);
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
/// The value of a field, as text. (Inside of a string the quotes of its name would be escaped.)
std::string value(const std::string& line, const std::string& name) {
    const std::string key = quoted(name) + ": ";
    size_t at = line.find(key);
    if (at == line.npos) return "";
    at += key.size();
    return line[at] == '"' ? unquoted(line, at)
                           : line.substr(at, line.find_first_of(",}", at) - at);
}
template <typename Object>
Object read(const std::string& line, const Fields<Object>& fields) {
    Object object;
    for (const auto& [name, field] : fields) object.*field = value(line, name);
    return object;
}

}  // namespace

std::string to_json(const Recording& recording) {
    std::string text = "{" + written(recording, of_recording) + ",\n \"programs\": [", end;
    const auto add = [&](const std::string& object) {
        text.append(end).append("\n  {").append(object).append("}");
        end = ",";
    };
    for (const auto& program : recording.programs) add(written(program, of_program));
    text += "],\n \"connections\": [";
    end.clear();
    for (const auto& connection : recording.connections) add(written(connection, of_connection));
    text += "],\n \"events\": [";
    end.clear();
    for (const auto& event : recording.events) {
        std::string object = "\"ms\": " + number(event.ms) + ", " + written(event, of_event);
        if (event.who.empty())
            object += ", \"connection\": " + std::to_string(event.connection) +
                      ", \"size\": " + std::to_string(event.size) +
                      ", \"arrived\": " + (event.arrived ? number(*event.arrived) : "null");
        for (size_t i = 0; i < event.frames.size(); ++i)
            object += (i > 0 ? ", " : ", \"frames\": [") + quoted(event.frames[i]);
        add(object + (event.frames.empty() ? "" : "]"));
    }
    return text + "]}\n";
}

Recording from_json(const std::string& text) {
    Recording recording;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind("{", 0) == 0) recording = read(line, of_recording);
        if (line.rfind("  {\"name\"", 0) == 0) recording.programs.push_back(read(line, of_program));
        if (line.rfind("  {\"from\"", 0) == 0)
            recording.connections.push_back(read(line, of_connection));
        if (line.rfind("  {\"ms\"", 0) != 0) continue;
        Event event = read(line, of_event);
        event.ms = std::stod(value(line, "ms"));
        if (event.who.empty()) {
            event.connection = std::stoul(value(line, "connection"));
            event.size = std::stoull(value(line, "size"));
            if (const std::string at = value(line, "arrived"); at != "null")
                event.arrived = std::stod(at);
            if (event.connection >= recording.connections.size())
                throw std::runtime_error("no recording: a connection that is not listed");
        }
        const std::string key = "\"frames\": [";
        if (size_t at = line.find(key); at != line.npos)
            for (at += key.size(); at < line.size() && line[at] == '"';
                 at += line[at] == ',' ? 2 : 0)
                event.frames.push_back(unquoted(line, at));
        recording.events.push_back(event);
    }
    if (recording.programs.empty()) throw std::runtime_error("no recording: no programs");
    return recording;
}
