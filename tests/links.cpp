// Every link on every page leads somewhere, to the heading if it names one, and stays in the
// language of the page.
#include "pages.hpp"

namespace {

/// The anchor that code hosts give a heading: lower case, hyphens for spaces, no punctuation.
std::string anchor(const std::string& heading) {
    // In UTF-8: U+2000 to U+2FFF, U+3000 to U+303F, and U+F000 to U+FFFF.
    static const std::regex link("\\[([^\\]]*)\\]\\([^)]*\\)"), wide("\xe2..|\xe3\x80.|\xef..");
    std::string name;
    for (const char c : std::regex_replace(std::regex_replace(heading, link, "$1"), wide, "")) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80 || std::isalnum(byte) || c == '-' || c == '_')
            name += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
        else if (c == ' ')
            name += '-';
    }
    return name;
}

std::set<std::string> anchors_of(const std::string& page) {
    std::set<std::string> anchors;
    for (const auto& line : parse(page).text)
        if (line.rfind('#', 0) == 0)
            anchors.insert(anchor(line.substr(line.find_first_not_of("# "))));
    return anchors;
}

/// The links of a page, without those in code.
Strings links_of(const std::string& page) {
    static const std::regex code("`[^`]*`"), link("\\]\\(([^)\\s]*)\\)");
    std::string prose;
    for (const auto& line : parse(page).text) prose += line + "\n";
    return matches(std::regex_replace(prose, code, "x"), link);
}

/// What is wrong with the links of `text`, which is the page `name`.
Strings wrong_links(const std::string& name, const std::string& text) {
    Strings wrong;
    for (const auto& link : links_of(text)) {
        if (link.find("://") != std::string::npos) continue;
        const std::string file = link.substr(0, link.find('#'));
        std::string to = file.empty() ? name : target_of(name, file);
        if (!exists(to)) {
            wrong.push_back(name + ": " + link);
            continue;
        }
        if (exists(to + "/README.md")) to = target_of(to + "/", "README.md");
        if (to != sister_of(name) && is_chinese(name) != is_chinese(to) && exists(sister_of(to)) &&
            to.find(".md") != std::string::npos)
            wrong.push_back(name + ": " + link + " is not in its language");
        if (link.find('#') != std::string::npos && to.find(".md") != std::string::npos &&
            anchors_of(to == name ? text : source(to)).count(link.substr(link.find('#') + 1)) == 0)
            wrong.push_back(name + ": " + link);
    }
    const std::string sister = sister_of(name);
    const Strings lines = lines_of(text);
    const Strings top = lines.size() < 3 ? Strings{} : links_of(lines[2] + "\n");
    if (exists(sister) && std::none_of(top.begin(), top.end(), [&](const auto& link) {
            return target_of(name, link) == sister;
        }))
        wrong.push_back(name + ": line 3 does not link to " + sister);
    return wrong;
}

}  // namespace

TEST_CASE("links: every link leads to a file and a heading in the language of its page",
          "[links]") {
    CHECK(pages().size() > 15);
    Strings wrong;
    for (const auto& page : pages())
        for (const auto& link : wrong_links(page, source(page))) wrong.push_back(link);
    CHECK(wrong == Strings{});
}

TEST_CASE("links: a wrong link is seen", "[links]") {
    const auto wrong = [](const std::string& page, const std::string& text) {
        return wrong_links(page, "# a\n\n[x](docs/README.zh-CN.md)\n" + text + "\n").size();
    };
    CHECK(wrong("README.md", "[a](LICENSE) [b](#here)\n# Here\n") == 0);
    for (const auto* bad : {"[a](NOWHERE)", "![a](docs/nothing.png)", "[a](#there)\n# Here\n",
                            "[a](docs/README.zh-CN.md#no)"})
        CHECK(wrong("README.md", bad) == 1);
    CHECK(wrong("docs/README.zh-CN.md", "[a](troubleshooting.md)") == 3);  // and line 3 twice
    CHECK(wrong_links("README.md", "# a\n\nno link\n").size() == 1);
    CHECK(anchor("13. ZeroMQ 多线程（`inproc`）") == "13-zeromq-多线程inproc");
}
