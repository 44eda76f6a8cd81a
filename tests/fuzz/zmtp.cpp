// What two peers send, decoded. The first byte says how the rest is split: however it is, the
// events are the same, they account for every byte, and the texts can be printed.
#include <algorithm>
#include <cstdlib>

#include "zmtp.hpp"

namespace {

using Events = std::vector<zmtp::Event>;

void require(bool condition) {
    if (!condition) std::abort();
}

bool is_printable(const std::string& text) {
    return text.size() < 2500 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

/// The events, with neighbours of kind bytes taken together: they follow how the bytes came.
Events decoded(std::string_view bytes, size_t step) {
    zmtp::Decoder decoder;
    Events events;
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Events whole = decoded(bytes, bytes.size() + 1), parts = decoded(bytes, 1U + data[0]);
    require(whole.size() == parts.size());
    std::uint64_t total = 0;
    for (size_t i = 0; i < whole.size(); ++i) {
        const zmtp::Event &a = whole[i], &b = parts[i];
        require(a.kind == b.kind && a.version == b.version && a.mechanism == b.mechanism &&
                a.name == b.name && a.text == b.text && a.frames == b.frames && a.size == b.size);
        require(is_printable(a.version) && is_printable(a.mechanism) && is_printable(a.name) &&
                is_printable(a.text) &&
                std::all_of(a.frames.begin(), a.frames.end(), is_printable));
        total += a.size;
    }
    require(total == bytes.size());
    return 0;
}
