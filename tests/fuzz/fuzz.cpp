// Feeds any bytes to the code that reads the messages of peers, and the bytes on the wire.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <tuple>

#include "common.hpp"
#include "zmtp.hpp"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

bool is_printable(const std::string& text) {
    return text.size() < 2500 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

/// A message becomes a text for a terminal, and perhaps a number above 0.
void read_message(const std::string& bytes) {
    require(is_printable(printable(bytes)) && printable(bytes).empty() == bytes.empty());
    const bool digits = bytes.find_first_not_of("0123456789") == bytes.npos;
    errno = 0;
    const auto value = digits ? std::strtoull(bytes.c_str(), nullptr, 10) : 0;
    require(number(bytes) == (errno == 0 ? value : 0));
}

/// Decodes the bytes of a connection, which come `step` at a time. Neighbours of kind bytes count
/// as one event: they follow how the bytes came.
std::vector<zmtp::Event> decoded(std::string_view bytes, size_t step) {
    zmtp::Decoder decoder;
    std::vector<zmtp::Event> events;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size())))
        for (const auto& event : decoder.feed(bytes.substr(0, step))) {
            if (event.kind == "bytes" && !events.empty() && events.back().kind == "bytes")
                events.back().size += event.size;
            else
                events.push_back(event);
        }
    events.push_back({.kind = "unfinished", .size = decoder.unfinished()});
    return events;
}

/// However the bytes are split, the events are the same and account for every byte.
void read_wire(std::string_view bytes, size_t step) {
    const auto whole = decoded(bytes, bytes.size() + 1), parts = decoded(bytes, step);
    const auto fields = [](const zmtp::Event& e) {
        return std::tie(e.kind, e.version, e.mechanism, e.name, e.text, e.frames, e.size);
    };
    require(whole.size() == parts.size());
    std::uint64_t total = 0;
    for (size_t i = 0; i < whole.size(); ++i) {
        const auto& event = whole[i];
        require(fields(event) == fields(parts[i]));
        for (const auto& text : {event.version, event.mechanism, event.name, event.text})
            require(is_printable(text));
        require(std::all_of(event.frames.begin(), event.frames.end(), is_printable));
        total += event.size;
    }
    require(total == bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    read_message(bytes);
    if (size > 0) read_wire(std::string_view(bytes).substr(1), 1U + data[0]);
    return 0;
}
