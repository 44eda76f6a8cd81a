// The books of push-pull2's sinker, fed with any messages. The first byte says how many senders it
// waits for; then each line is a message, and a NUL in it begins another frame.
#include <cstdlib>
#include <set>

#include "batches.hpp"

namespace {

using Frames = std::vector<std::string>;

/// Text up to `end` is cut off the beginning of `rest`.
std::string_view cut(std::string_view& rest, char end) {
    const std::string_view part = rest.substr(0, rest.find(end));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    return part;
}

/// How many results there are, counted at the end and in another way: each number once that a
/// sender has announced, of the first ones that have announced any.
std::int64_t counted(const std::vector<Frames>& messages, size_t senders) {
    std::map<std::string, std::vector<int>> announced;  // tasks, index, sinkers
    for (const auto& frames : messages) {
        if (frames.size() != 5 || frames[0] != "expect" || announced.size() == senders) continue;
        std::vector<int> values;
        for (size_t i = 2; i < 5; ++i) values.push_back(number(frames[i]).value_or(-1));
        if (values[0] >= 0 && values[1] >= 0 && values[2] > values[1])
            announced.try_emplace(frames[1], values);
    }
    std::set<std::pair<std::string, int>> results;
    for (const auto& frames : messages) {
        if (frames.size() != 1) continue;
        const size_t space = frames[0].find(' ');
        if (space == std::string::npos) continue;
        const auto sender = announced.find(frames[0].substr(space + 1));
        if (sender == announced.end()) continue;
        const int n = number(std::string_view(frames[0]).substr(0, space)).value_or(0);
        const auto& values = sender->second;
        if (n >= 1 && (values[0] == 0 || n <= values[0]) && n % values[2] == values[1])
            results.emplace(sender->first, n);
    }
    return static_cast<std::int64_t>(results.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const int senders = 1 + data[0] % 4;
    std::vector<Frames> messages;
    for (std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1); !rest.empty();) {
        std::string_view line = cut(rest, '\n');
        Frames frames;
        do {
            frames.emplace_back(cut(line, '\0'));
        } while (!line.empty());
        messages.push_back(frames);
    }
    Batches batches(senders, true);
    std::int64_t results = 0;
    for (const auto& frames : messages)
        results += frames.size() == 1 ? batches.result(frames[0]) : batches.announcement(frames);
    if (results != counted(messages, static_cast<size_t>(senders))) std::abort();
    if (batches.complete() && !batches.bounded()) std::abort();
    if (batches.summary(results).empty()) std::abort();
    if (batches.complete()) batches.name_missing();
    return 0;
}
