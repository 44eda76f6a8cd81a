// The notes and their proofs name the same claims, and the notes say the same in both languages.
#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "catch.hpp"
#include "process.hpp"

namespace {

using Strings = std::vector<std::string>;

/// The numbers of the claims, `- **3.6** ...`, in the order of the page.
Strings claims_of(const std::string& page) {
    static const std::regex claim("- \\*\\*([0-9]+(\\.[0-9]+)+[a-z]?)\\*\\* .*");
    Strings claims;
    std::smatch match;
    for (const auto& line : lines_of(page))
        if (std::regex_match(line, match, claim)) claims.push_back(match[1]);
    return claims;
}

/// The claims that a source of tests proves: what the names of its [notes] test cases begin with.
std::set<std::string> proved_by(const std::string& source) {
    static const std::regex test(
        "TEST_CASE\\(\\s*\"([0-9]+(\\.[0-9]+)+[a-z]?): "
        "[^\"]*\"(\\s*\"[^\"]*\")*,\\s*\"\\[notes\\]");
    std::set<std::string> proved;
    for (std::sregex_iterator at(source.begin(), source.end(), test), end; at != end; ++at)
        proved.insert((*at)[1]);
    return proved;
}

std::set<std::string> proved() {
    std::set<std::string> all;
    for (int section = 2; section <= 15; ++section) {
        const std::string two = std::to_string(100 + section).substr(1);
        for (const auto& claim :
             proved_by(read_file(SOURCE_DIR "/tests/notes/section-" + two + ".cpp")))
            all.insert(claim);
    }
    return all;
}

/// Blocks of code and commands, each whole, in the order of the page.
Strings blocks_of(const std::string& page) {
    Strings blocks;
    bool inside = false;
    for (const auto& line : lines_of(page)) {
        const size_t first = line.find_first_not_of(' ');
        const bool fence = first != std::string::npos && line.compare(first, 3, "```") == 0;
        if (fence) {
            inside = !inside;
            if (inside) blocks.emplace_back();
        } else if (inside) {
            blocks.back() += line + "\n";
        }
    }
    return blocks;
}

std::string section_numbers(const std::string& page) {
    static const std::regex heading("#+ ([0-9]+(\\.[0-9]+)?)\\.? .*");
    std::string numbers;
    std::smatch match;
    for (const auto& line : lines_of(page))
        if (std::regex_match(line, match, heading)) numbers += match[1].str() + " ";
    return numbers;
}

const std::string& english() {
    static const std::string page = read_file(SOURCE_DIR "/README.md");
    return page;
}
const std::string& chinese() {
    static const std::string page = read_file(SOURCE_DIR "/docs/README.zh-CN.md");
    return page;
}

}  // namespace

TEST_CASE("notes: every claim has a proof and every proof has its claim", "[pages]") {
    const auto claims = claims_of(english());
    const std::set<std::string> claimed(claims.begin(), claims.end());
    CHECK(claimed.size() == claims.size());
    CHECK(claimed.size() >= 80);
    CHECK(claimed == proved());
}

TEST_CASE("notes: both languages have the same sections and claims", "[pages]") {
    CHECK(claims_of(english()) == claims_of(chinese()));
    CHECK(section_numbers(english()) == section_numbers(chinese()));
}

TEST_CASE("notes: both languages have the same commands and code", "[pages]") {
    CHECK(blocks_of(english()) == blocks_of(chinese()));
    CHECK(blocks_of(english()).size() > 10);
}

TEST_CASE("notes: the two pages link to each other at the top", "[pages]") {
    CHECK(lines_of(english()).at(2).find("(docs/README.zh-CN.md)") != std::string::npos);
    CHECK(lines_of(chinese()).at(2).find("(../README.md)") != std::string::npos);
}

TEST_CASE("notes: a missing claim and a missing proof are seen", "[pages]") {
    CHECK(claims_of("- **3.6** a\n- **9.1a** b\n**3.7** c\n- **x** d\n") == Strings{"3.6", "9.1a"});
    CHECK(proved_by("TEST_CASE(\"3.6: a\", \"[notes]\")\nTEST_CASE(\"3.7: b\", \"[other]\")\n"
                    "TEST_CASE(\n    \"9.1a: c\",\n    \"[notes]\")") ==
          std::set<std::string>{"3.6", "9.1a"});
    CHECK(blocks_of("```c\na\n```\n  ```text\n  b\n  ```\n") == Strings{"a\n", "  b\n"});
}
