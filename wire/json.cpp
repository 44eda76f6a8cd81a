// As much JSON as a recording needs.
#include <cstdio>
#include <map>
#include <stdexcept>

#include "recording.hpp"

namespace {

struct Value {
    std::string text;  // of a string, number, true, false or null
    std::vector<Value> items;
    std::map<std::string, Value> fields;

    const Value& operator[](const std::string& name) const {
        static const Value none;
        const auto at = fields.find(name);
        return at == fields.end() ? none : at->second;
    }
    double number() const { return text.empty() ? 0 : std::stod(text); }
};

class Parser {
 public:
    explicit Parser(const std::string& text) : text_(text) {}
    Value value(int depth = 0) {
        Value value;
        const char first = next();
        if (depth > 8) fail();
        if (first == '{' || first == '[') {
            const char close = first == '{' ? '}' : ']';
            for (++at_; next() != close;) {
                if (first == '{') {
                    const std::string name = string();
                    expect(':');
                    value.fields[name] = this->value(depth + 1);
                } else {
                    value.items.push_back(this->value(depth + 1));
                }
                if (next() != close) expect(',');
            }
            ++at_;
        } else if (first == '"') {
            value.text = string();
        } else {
            const size_t end = std::min(text_.find_first_of(",]} \n", at_), text_.size());
            value.text = text_.substr(at_, end - at_);
            at_ = end;
        }
        return value;
    }

 private:
    [[noreturn]] void fail() const {
        throw std::runtime_error("no recording: unexpected text at byte " + std::to_string(at_));
    }
    char next() {
        at_ = std::min(text_.find_first_not_of(" \n\t\r", at_), text_.size());
        if (at_ == text_.size()) fail();
        return text_[at_];
    }
    void expect(char c) {
        if (next() != c) fail();
        ++at_;
    }
    std::string string() {
        std::string result;
        expect('"');
        for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
            if (text_[at_] == '\\') ++at_;  // only \" and \\ are written
            if (at_ < text_.size()) result += text_[at_];
        }
        expect('"');
        return result;
    }

    const std::string& text_;
    size_t at_ = 0;
};

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) result.append(c == '"' || c == '\\' ? 1 : 0, '\\').append(1, c);
    return result + '"';
}
std::string field(const std::string& name, const std::string& text) {
    return text.empty() ? "" : ", \"" + name + "\": " + quoted(text);
}
std::string number(double ms) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", ms);
    return text;
}

}  // namespace

std::string to_json(const Recording& recording) {
    std::string text = "{\"pattern\": " + quoted(recording.pattern) +
                       field("note", recording.note) + ",\n \"programs\": [";
    const char* comma = "\n  ";
    for (const auto& [name, command] : recording.programs) {
        text += comma + ("{\"name\": " + quoted(name)) + field("command", command) + "}";
        comma = ",\n  ";
    }
    text += "],\n \"connections\": [";
    comma = "\n  ";
    for (const auto& [from, to, endpoint] : recording.connections) {
        text += comma + ("{\"from\": " + quoted(from)) + field("to", to) +
                field("endpoint", endpoint) + "}";
        comma = ",\n  ";
    }
    text += "],\n \"events\": [";
    comma = "\n  ";
    for (const auto& event : recording.events) {
        text += comma + ("{\"ms\": " + number(event.ms)) + field("kind", event.kind);
        comma = ",\n  ";
        if (event.kind == "line" || event.kind == "signal") {
            text += field("who", event.who) + ", \"text\": " + quoted(event.text) +
                    field("stream", event.error ? "err" : "") + "}";
            continue;
        }
        text += ", \"connection\": " + std::to_string(event.connection) +
                field("sender", event.sender) + field("receiver", event.receiver) +
                ", \"arrived\": " + (event.arrived ? number(*event.arrived) : "null") +
                field("version", event.version) + field("mechanism", event.mechanism) +
                field("name", event.name) + field("text", event.text);
        if (event.kind == "message") {
            text += ", \"frames\": [";
            for (size_t i = 0; i < event.frames.size(); ++i)
                text += (i > 0 ? ", " : "") + quoted(event.frames[i]);
            text += "]";
        }
        text += ", \"size\": " + std::to_string(event.size) + "}";
    }
    return text + "]}\n";
}

Recording from_json(const std::string& text) {
    const Value value = Parser(text).value();
    Recording recording{value["pattern"].text, value["note"].text, {}, {}, {}};
    for (const auto& program : value["programs"].items)
        recording.programs.push_back({program["name"].text, program["command"].text});
    for (const auto& connection : value["connections"].items)
        recording.connections.push_back(
            {connection["from"].text, connection["to"].text, connection["endpoint"].text});
    for (const auto& from : value["events"].items) {
        Event event;
        event.kind = from["kind"].text;
        event.version = from["version"].text;
        event.mechanism = from["mechanism"].text;
        event.name = from["name"].text;
        event.text = from["text"].text;
        for (const auto& frame : from["frames"].items) event.frames.push_back(frame.text);
        event.size = static_cast<std::uint64_t>(from["size"].number());
        event.ms = from["ms"].number();
        event.who = from["who"].text;
        event.error = from["stream"].text == "err";
        event.connection = static_cast<size_t>(from["connection"].number());
        if (event.connection >= recording.connections.size() && event.who.empty())
            throw std::runtime_error("no recording: a connection is not listed");
        event.sender = from["sender"].text;
        event.receiver = from["receiver"].text;
        if (from["arrived"].text != "null" && !from["arrived"].text.empty())
            event.arrived = from["arrived"].number();
        recording.events.push_back(event);
    }
    return recording;
}
