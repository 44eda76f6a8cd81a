#include <cstdio>
#include <exception>

#include "common.hpp"
#include "internal.hpp"

std::string text(std::string_view bytes) {
    constexpr size_t most = 200;
    constexpr char hex[] = "0123456789abcdef";
    std::string shown;
    for (const char c : bytes.substr(0, most)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte > 0x7e)
            shown.append("\\x").append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
        else
            shown.append(c == '\\' ? 2 : 1, c);
    }
    if (bytes.size() > most) shown += "... (" + std::to_string(bytes.size()) + " bytes)";
    return shown;
}

Summary::Summary(const char* one, const char* many, bool quiet)
    : Summary(
          [this, one, many] { return std::to_string(count_) + " " + (count_ == 1 ? one : many); },
          quiet) {}

Summary::Summary(std::function<std::string()> lines, bool quiet)
    : lines_(std::move(lines)), quiet_(quiet) {}

Summary::~Summary() {
    if (std::uncaught_exceptions() > 0 && !interrupted()) return;
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
    const std::string lines = lines_();
    if (quiet_)
        std::printf("%s in %.6f s, %.0f/s\n", lines.c_str(), passed.count(),
                    static_cast<double>(count_) / passed.count());
    else
        std::printf("%s\n", lines.c_str());
}
