// What goes from sender to worker to sinker.
#pragma once

#include <charconv>
#include <string_view>

/// A task, and so its result, is one frame: its number, a space, the name of its sender. The number
/// comes first, so that nobody has to look for it.
struct Task {
    int number = 0;  // from 1 on; 0: the frame is none
    std::string_view sender;
};

inline Task task_in(std::string_view frame) {
    const char* const end = frame.data() + frame.size();
    int number = 0;
    const auto [space, error] = std::from_chars(frame.data(), end, number);
    if (error != std::errc{} || number < 1 || space == end || *space != ' ') return {};
    return {number, frame.substr(static_cast<size_t>(space + 1 - frame.data()))};
}
