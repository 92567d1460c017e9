// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <git2.h>
#include <git2/sys/transport.h>

#include <chaos/shared_library.hpp>
#include <memory>
#include <optional>
#include <string>

// What git*.cpp share of libgit2: nobody else knows it.
namespace chaos::git {

/// libgit2: linked, it makes every start nine milliseconds longer.
class Library : public SharedLibrary {
public:
    Library();

    decltype(&git_libgit2_init) init = find<decltype(&git_libgit2_init)>("git_libgit2_init");
    decltype(&git_libgit2_opts) opts = find<decltype(&git_libgit2_opts)>("git_libgit2_opts");
    decltype(&git_error_last) error_last = find<decltype(&git_error_last)>("git_error_last");
    decltype(&git_repository_init) repository_init = find<decltype(&git_repository_init)>("git_repository_init");
    decltype(&git_repository_open_ext) repository_open =
        find<decltype(&git_repository_open_ext)>("git_repository_open_ext");
    decltype(&git_repository_free) repository_free = find<decltype(&git_repository_free)>("git_repository_free");
    decltype(&git_repository_head) repository_head = find<decltype(&git_repository_head)>("git_repository_head");
    decltype(&git_reference_name) reference_name = find<decltype(&git_reference_name)>("git_reference_name");
    decltype(&git_repository_set_head) set_head = find<decltype(&git_repository_set_head)>("git_repository_set_head");
    decltype(&git_repository_set_head_detached) set_head_detached =
        find<decltype(&git_repository_set_head_detached)>("git_repository_set_head_detached");
    decltype(&git_remote_lookup) remote_lookup = find<decltype(&git_remote_lookup)>("git_remote_lookup");
    decltype(&git_remote_create) remote_create = find<decltype(&git_remote_create)>("git_remote_create");
    decltype(&git_remote_create_detached) remote_create_detached =
        find<decltype(&git_remote_create_detached)>("git_remote_create_detached");
    decltype(&git_remote_create_anonymous) remote_create_anonymous =
        find<decltype(&git_remote_create_anonymous)>("git_remote_create_anonymous");
    decltype(&git_remote_set_url) remote_set_url = find<decltype(&git_remote_set_url)>("git_remote_set_url");
    decltype(&git_remote_fetch) remote_fetch = find<decltype(&git_remote_fetch)>("git_remote_fetch");
    decltype(&git_remote_connect) remote_connect = find<decltype(&git_remote_connect)>("git_remote_connect");
    decltype(&git_remote_ls) remote_ls = find<decltype(&git_remote_ls)>("git_remote_ls");
    decltype(&git_remote_default_branch) remote_default_branch =
        find<decltype(&git_remote_default_branch)>("git_remote_default_branch");
    decltype(&git_remote_free) remote_free = find<decltype(&git_remote_free)>("git_remote_free");
    decltype(&git_buf_dispose) buf_dispose = find<decltype(&git_buf_dispose)>("git_buf_dispose");
    decltype(&git_revparse_single) revparse = find<decltype(&git_revparse_single)>("git_revparse_single");
    decltype(&git_object_peel) object_peel = find<decltype(&git_object_peel)>("git_object_peel");
    decltype(&git_object_id) object_id = find<decltype(&git_object_id)>("git_object_id");
    decltype(&git_object_free) object_free = find<decltype(&git_object_free)>("git_object_free");
    decltype(&git_reference_create) reference_create = find<decltype(&git_reference_create)>("git_reference_create");
    decltype(&git_reference_name_to_id) name_to_id =
        find<decltype(&git_reference_name_to_id)>("git_reference_name_to_id");
    decltype(&git_reference_remove) reference_remove = find<decltype(&git_reference_remove)>("git_reference_remove");
    decltype(&git_reference_free) reference_free = find<decltype(&git_reference_free)>("git_reference_free");
    decltype(&git_reference_list) reference_list = find<decltype(&git_reference_list)>("git_reference_list");
    decltype(&git_strarray_dispose) strarray_dispose = find<decltype(&git_strarray_dispose)>("git_strarray_dispose");
    decltype(&git_checkout_tree) checkout_tree = find<decltype(&git_checkout_tree)>("git_checkout_tree");
    decltype(&git_status_list_new) status_list_new = find<decltype(&git_status_list_new)>("git_status_list_new");
    decltype(&git_status_list_entrycount) status_count =
        find<decltype(&git_status_list_entrycount)>("git_status_list_entrycount");
    decltype(&git_status_byindex) status_at = find<decltype(&git_status_byindex)>("git_status_byindex");
    decltype(&git_status_list_free) status_free = find<decltype(&git_status_list_free)>("git_status_list_free");
    decltype(&git_graph_descendant_of) descendant_of =
        find<decltype(&git_graph_descendant_of)>("git_graph_descendant_of");
    decltype(&git_oid_tostr) oid_tostr = find<decltype(&git_oid_tostr)>("git_oid_tostr");
    decltype(&git_oid_fromstr) oid_fromstr = find<decltype(&git_oid_fromstr)>("git_oid_fromstr");
    decltype(&git_submodule_foreach) submodule_foreach =
        find<decltype(&git_submodule_foreach)>("git_submodule_foreach");
    decltype(&git_submodule_update) submodule_update = find<decltype(&git_submodule_update)>("git_submodule_update");
    decltype(&git_credential_ssh_key_from_agent) key_from_agent =
        find<decltype(&git_credential_ssh_key_from_agent)>("git_credential_ssh_key_from_agent");
    decltype(&git_credential_ssh_key_new) key_of_file =
        find<decltype(&git_credential_ssh_key_new)>("git_credential_ssh_key_new");
    decltype(&git_credential_username_new) username =
        find<decltype(&git_credential_username_new)>("git_credential_username_new");
    decltype(&git_tree_walk) tree_walk = find<decltype(&git_tree_walk)>("git_tree_walk");
    decltype(&git_tree_entry_name) entry_name = find<decltype(&git_tree_entry_name)>("git_tree_entry_name");
    decltype(&git_tree_entry_filemode) entry_mode = find<decltype(&git_tree_entry_filemode)>("git_tree_entry_filemode");
    decltype(&git_tree_entry_id) entry_id = find<decltype(&git_tree_entry_id)>("git_tree_entry_id");
    decltype(&git_blob_lookup) blob_lookup = find<decltype(&git_blob_lookup)>("git_blob_lookup");
    decltype(&git_blob_rawcontent) blob_bytes = find<decltype(&git_blob_rawcontent)>("git_blob_rawcontent");
    decltype(&git_blob_rawsize) blob_size = find<decltype(&git_blob_rawsize)>("git_blob_rawsize");
    decltype(&git_blob_free) blob_free = find<decltype(&git_blob_free)>("git_blob_free");
    decltype(&git_error_set_str) error_set = find<decltype(&git_error_set_str)>("git_error_set_str");
    decltype(&git_transport_smart) transport_smart = find<decltype(&git_transport_smart)>("git_transport_smart");
    decltype(&git_remote_download) remote_download = find<decltype(&git_remote_download)>("git_remote_download");
    decltype(&git_repository_odb) repository_odb = find<decltype(&git_repository_odb)>("git_repository_odb");
    decltype(&git_odb_read) odb_read = find<decltype(&git_odb_read)>("git_odb_read");
    decltype(&git_odb_read_header) odb_header = find<decltype(&git_odb_read_header)>("git_odb_read_header");
    decltype(&git_odb_exists) odb_exists = find<decltype(&git_odb_exists)>("git_odb_exists");
    decltype(&git_odb_free) odb_free = find<decltype(&git_odb_free)>("git_odb_free");
    decltype(&git_odb_object_data) odb_bytes = find<decltype(&git_odb_object_data)>("git_odb_object_data");
    decltype(&git_odb_object_size) odb_size = find<decltype(&git_odb_object_size)>("git_odb_object_size");
    decltype(&git_odb_object_type) odb_type = find<decltype(&git_odb_object_type)>("git_odb_object_type");
    decltype(&git_odb_object_free) odb_object_free = find<decltype(&git_odb_object_free)>("git_odb_object_free");
    decltype(&git_tree_lookup) tree_lookup = find<decltype(&git_tree_lookup)>("git_tree_lookup");
    decltype(&git_tree_free) tree_free = find<decltype(&git_tree_free)>("git_tree_free");
    decltype(&git_tree_entrycount) entry_count = find<decltype(&git_tree_entrycount)>("git_tree_entrycount");
    decltype(&git_tree_entry_byindex) entry_at = find<decltype(&git_tree_entry_byindex)>("git_tree_entry_byindex");
    decltype(&git_tree_entry_bypath) entry_of = find<decltype(&git_tree_entry_bypath)>("git_tree_entry_bypath");
    decltype(&git_tree_entry_free) entry_free = find<decltype(&git_tree_entry_free)>("git_tree_entry_free");
    decltype(&git_revwalk_new) walk_new = find<decltype(&git_revwalk_new)>("git_revwalk_new");
    decltype(&git_revwalk_push) walk_push = find<decltype(&git_revwalk_push)>("git_revwalk_push");
    decltype(&git_revwalk_hide) walk_hide = find<decltype(&git_revwalk_hide)>("git_revwalk_hide");
    decltype(&git_revwalk_next) walk_next = find<decltype(&git_revwalk_next)>("git_revwalk_next");
    decltype(&git_revwalk_simplify_first_parent) walk_first_parents =
        find<decltype(&git_revwalk_simplify_first_parent)>("git_revwalk_simplify_first_parent");
    decltype(&git_revwalk_free) walk_free = find<decltype(&git_revwalk_free)>("git_revwalk_free");
    decltype(&git_diff_tree_to_tree) diff_trees = find<decltype(&git_diff_tree_to_tree)>("git_diff_tree_to_tree");
    decltype(&git_diff_num_deltas) delta_count = find<decltype(&git_diff_num_deltas)>("git_diff_num_deltas");
    decltype(&git_diff_get_delta) delta_at = find<decltype(&git_diff_get_delta)>("git_diff_get_delta");
    decltype(&git_diff_free) diff_free = find<decltype(&git_diff_free)>("git_diff_free");
};

/// Opened with the first call. Throws Error, with what to install, where this host does not have it.
const Library& library();

/// What libgit2 says of its last failure.
std::string last_message(const Library&);

[[noreturn]] void fail(const Library&, const std::string& what);

template <class T>
using Held = std::unique_ptr<T, void (*)(T*)>;
using Repository = Held<git_repository>;
using Object = Held<git_object>;
using Remote = Held<git_remote>;

std::string hex(const Library&, const git_oid&);
std::optional<git_oid> reference(const Library&, git_repository*, const std::string& name);
bool operator==(const git_oid&, const git_oid&);

/// Makes a reference, or moves it.
void point(const Library&, git_repository*, const std::string& name, const git_oid&);

/// The commit that a name, a tag or part of a hash comes to.
std::optional<git_oid> commit_of(const Library&, git_repository*, const std::string& what);

/// What a connection of a person's checkout may use to say who she is: an agent, then the keys of ~/.ssh, each once.
struct Keys {
    const Library* lib;
    std::size_t tried = 0;
};

git_remote_callbacks callbacks(Keys&);

/// What a remote says no to is found out by hand.
[[noreturn]] void fail_at(const Library&, const char* doing, const std::string& url);

/// The remote `origin`, at this url.
Remote origin(const Library&, git_repository*, const std::string& url);

/// All branches and tags of a remote.
void fetch(const Library&, git_repository*, const std::string& url, std::string* first_branch);

}  // namespace chaos::git
