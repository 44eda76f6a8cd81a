// Any command line is read or refused, and a number that is read is in its range. A NUL ends a
// word.
#include <getopt.h>

#include <cstdint>
#include <cstdlib>
#include <utility>

#include "common.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    std::vector<std::string> words{"program"};
    std::string word;
    for (size_t i = 0; i < size; ++i) {
        if (data[i] == 0)
            words.push_back(std::exchange(word, {}));
        else
            word += static_cast<char>(data[i]);
    }
    words.push_back(word);
    std::vector<char*> argv;
    for (auto& one : words) argv.push_back(one.data());
    argv.push_back(nullptr);
    optind = 0;  // getopt_long begins anew

    std::string endpoint = "tcp://127.0.0.1:5555";
    std::vector<std::string> list{"a", "b"};
    int any = 7, some = 7;
    try {
        parse(static_cast<int>(words.size()), argv.data(), "Do nothing.",
              {{"bind ENDPOINT", &endpoint, "where the REP socket binds"},
               {"to NAME", &list, "names"},
               {"count N", &any, "any number"},
               {"steps N", &some, "a number in a range", 1, 500}});
        if (any < 0 || some < 1 || some > 500 || list.empty()) std::abort();
    } catch (...) {
        if (const int status = report_error(); status != 0 && status != 2) std::abort();
    }
    return 0;
}
