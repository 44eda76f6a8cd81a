#include "recording.hpp"

#include <algorithm>
#include <map>
#include <set>

bool is_ready(const Recording& recording, size_t connection) {
    int ready = 0, wanted = 2;  // with CURVE only the server says READY
    for (const auto& event : recording.events) {
        if (event.connection != connection || !event.arrived) continue;
        if (event.kind == "greeting" && event.mechanism != "NULL") wanted = 1;
        if (event.kind == "command" && event.name == "READY") ++ready;
    }
    return ready >= wanted;
}

namespace {

std::string brackets(const std::vector<std::string>& frames) {
    std::string text;
    for (const auto& frame : frames) text += "[" + frame + "]";
    return text;
}

/// A routing ID that libzmq has made up: a zero byte and four more.
bool is_routing_id(const std::string& frame) {
    size_t bytes = 0;
    for (size_t at = 0; at < frame.size(); ++bytes)
        at += frame[at] != '\\' ? 1 : frame.compare(at, 2, "\\x") == 0 ? 4 : 2;
    return bytes == 5 && frame.rfind("\\x00", 0) == 0;
}

}  // namespace

std::string conversation(const Recording& recording) {
    std::map<std::string, std::vector<std::string>> ways;  // by connection and direction
    std::map<std::string, std::string> ids;
    for (const auto& event : recording.events) {
        if (event.kind != "message" && event.kind != "command" && event.kind != "bytes") continue;
        const auto& [from, to, endpoint] = recording.connections[event.connection];
        std::string text = event.name + " " + event.text;
        if (event.kind == "bytes") text = std::to_string(event.size) + " bytes";
        if (event.kind == "message") {
            auto frames = event.frames;
            for (auto& frame : frames)
                if (is_routing_id(frame))
                    frame = ids.try_emplace(frame, "ID " + std::to_string(ids.size() + 1))
                                .first->second;
            text = brackets(frames);
        }
        ways[endpoint + " connection " + std::to_string(event.connection) + ": " + event.sender +
             " to " + event.receiver]
            .push_back(text + (event.arrived ? "" : " (never received)"));
    }
    std::vector<std::string> sorted;
    for (const auto& [way, texts] : ways) {
        std::string text = way;
        text.replace(text.find(" connection "), text.find(": ") - text.find(" connection "), "");
        for (const auto& one : texts) text += "\n  " + one;
        sorted.push_back(text + "\n");
    }
    std::sort(sorted.begin(), sorted.end());
    std::string text;
    for (const auto& one : sorted) text += one;
    return text;
}
