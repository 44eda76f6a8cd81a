// Every relative link and every picture in the pages leads somewhere, to the heading if it names
// one.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>

#include "catch.hpp"
#include "process.hpp"

namespace {

/// The anchor that a heading gets: lower case, spaces as hyphens, without punctuation.
std::string anchor(const std::string& heading) {
    std::string name;
    for (const char c : heading) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x7f || std::isalnum(byte) != 0 || c == '_' || c == '-')
            name += static_cast<char>(byte > 0x7f ? byte : std::tolower(byte));
        else if (c == ' ')
            name += '-';
    }
    return name;
}

std::string without_code(const std::string& page) {
    static const std::regex blocks("```[^]*?```"), spans("`[^`\n]*`");
    return std::regex_replace(std::regex_replace(page, blocks, ""), spans, "x");
}

/// What is wrong with the links of `page`, which lies at `path`.
std::vector<std::string> broken_links(const std::filesystem::path& path, const std::string& page) {
    static const std::regex link("\\]\\(([^)]*)\\)");
    std::vector<std::string> broken;
    const std::string prose = without_code(page);
    for (std::sregex_iterator at(prose.begin(), prose.end(), link), end; at != end; ++at) {
        const std::string target = (*at)[1];
        if (target.find("://") != std::string::npos) continue;
        const std::string file = target.substr(0, target.find('#'));
        const auto to = file.empty() ? path : path.parent_path() / file;
        if (!std::filesystem::exists(to)) {
            broken.push_back(path.string() + ": " + target);
            continue;
        }
        if (target.find('#') == std::string::npos || to.extension() != ".md") continue;
        std::set<std::string> anchors;
        std::istringstream lines(file.empty() ? page : read_file(to.string()));
        for (std::string line; std::getline(lines, line);)
            if (line.rfind("#", 0) == 0)
                anchors.insert(anchor(line.substr(line.find_first_not_of("# "))));
        if (anchors.count(target.substr(target.find('#') + 1)) == 0)
            broken.push_back(path.string() + ": " + target);
    }
    return broken;
}

}  // namespace

TEST_CASE("links: every relative link and picture in every page leads somewhere", "[links]") {
    std::vector<std::string> broken;
    int pages = 0;
    for (auto at = std::filesystem::recursive_directory_iterator(SOURCE_DIR);
         at != std::filesystem::recursive_directory_iterator(); ++at) {
        const std::string name = at->path().filename().string();
        if (at->is_directory() && (name.rfind("build", 0) == 0 || name == ".git"))
            at.disable_recursion_pending();
        if (at->path().extension() != ".md") continue;
        ++pages;
        for (const auto& link : broken_links(at->path(), read_file(at->path().string())))
            broken.push_back(link);
    }
    CHECK(pages > 3);
    CHECK(broken == std::vector<std::string>{});
}

TEST_CASE("links: a link that leads nowhere is seen", "[links]") {
    const std::filesystem::path path = SOURCE_DIR "/README.md";
    CHECK(broken_links(path, "[a](LICENSE) [b](#here)\n# Here\n").empty());
    CHECK(broken_links(path, "[a](NOWHERE)").size() == 1);
    CHECK(broken_links(path, "![a](docs/nothing.png)").size() == 1);
    CHECK(broken_links(path, "[a](#there)\n# Here\n").size() == 1);
}
