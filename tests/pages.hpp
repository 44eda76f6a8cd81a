// The Markdown pages, for the tests that read them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "process.hpp"

using Strings = std::vector<std::string>;

/// Returns all files of the project for which `wanted` is true, relative to it and sorted.
template <class Wanted>
Strings files_with(const Wanted& wanted) {
    namespace fs = std::filesystem;
    Strings files;
    for (auto at = fs::recursive_directory_iterator(SOURCE_DIR);
         at != fs::recursive_directory_iterator(); ++at) {
        const std::string name = at->path().filename().string();
        if (at->is_directory() && (name.rfind("build", 0) == 0 || name == "node_modules" ||
                                   (name[0] == '.' && name != ".ci")))
            at.disable_recursion_pending();
        else if (at->is_regular_file() && wanted(at->path()))
            files.push_back(fs::relative(at->path(), SOURCE_DIR).string());
    }
    std::sort(files.begin(), files.end());
    return files;
}

inline const Strings& pages() {
    static const Strings all =
        files_with([](const auto& path) { return path.extension() == ".md"; });
    return all;
}
inline std::string source(const std::string& file) {
    return read_file(std::string(SOURCE_DIR "/") + file);
}
inline bool exists(const std::string& file) {
    return std::filesystem::exists(std::string(SOURCE_DIR "/") + file);
}
inline bool is_chinese(const std::string& page) {
    return page.find(".zh-CN.md") != std::string::npos;
}
/// The page that a relative link on `page` names.
inline std::string target_of(const std::string& page, const std::string& link) {
    return (std::filesystem::path(page).parent_path() / link).lexically_normal().string();
}
/// The same page in the other language. README.zh-CN.md is in docs/.
inline std::string sister_of(const std::string& page) {
    if (page == "README.md") return "docs/README.zh-CN.md";
    if (page == "docs/README.zh-CN.md") return "README.md";
    const std::string stem = page.substr(0, page.find('.', page.rfind('/') + 1));
    return stem + (is_chinese(page) ? ".md" : ".zh-CN.md");
}

/// A fenced block: its comment is the line before it, its list the ordered list directly below it.
struct Block {
    std::string language, comment;
    size_t section;  // headings before it
    Strings lines{}, list{};
};

struct Page {
    std::vector<Block> blocks;
    Strings text;  // the other lines; "" in place of a block
};

inline Page parse(const std::string& page) {
    static const std::regex fence(" *```(.*)"), item("[0-9]+\\. .*"), more(" +[^ ].*");
    Page parsed;
    bool inside = false, below = false;
    size_t section = 0;
    std::string before;
    for (const auto& line : lines_of(page)) {
        std::smatch match;
        if (std::regex_match(line, match, fence)) {
            inside = !inside;
            below = !inside;
            if (inside) {
                parsed.blocks.push_back({match[1], before, section});
                parsed.text.emplace_back();
            }
        } else if (inside) {
            parsed.blocks.back().lines.push_back(line);
        } else {
            Strings* const list = below ? &parsed.blocks.back().list : nullptr;
            if (list != nullptr && std::regex_match(line, item))
                list->push_back(line);
            else if (list != nullptr && !list->empty() && std::regex_match(line, more))
                list->back() += line;
            else
                below = false;
            if (line.rfind('#', 0) == 0) ++section;
            parsed.text.push_back(line);
        }
        before = line;
    }
    return parsed;
}

/// All matches of a group of `pattern` in `text`.
inline Strings matches(const std::string& text, const std::regex& pattern, size_t group = 1) {
    Strings all;
    for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
        all.push_back((*at)[group]);
    return all;
}
