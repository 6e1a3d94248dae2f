package clients

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	ory "github.com/ory/client-go"
)

func admin() ory.IdentityAPI {
	return api(adminURL, &http.Client{CheckRedirect: stay}).IdentityAPI
}

func address() string { return "g-" + newUUID() + "@contoso.example" }

func create(t *testing.T, email string) *ory.Identity {
	t.Helper()
	body := ory.NewCreateIdentityBody("default", map[string]any{"email": email})
	identity, response, err := admin().CreateIdentity(ctx).CreateIdentityBody(*body).Execute()
	must(t, err)
	equal(t, response.StatusCode, http.StatusCreated)
	return known(t, identity)
}

func TestAnIdentityFromItsCreationToItsEnd(t *testing.T) {
	email, external := address(), newUUID()
	body := ory.NewCreateIdentityBody("default", map[string]any{"email": email})
	body.SetExternalId(external)
	body.SetMetadataAdmin(map[string]string{"note": "b"})
	body.SetVerifiableAddresses([]ory.VerifiableIdentityAddress{*ory.NewVerifiableIdentityAddress("completed", email, true, "email")})
	identity, _, err := admin().CreateIdentity(ctx).CreateIdentityBody(*body).Execute()
	must(t, err)
	known(t, identity)
	equal(t, identity.HasCreatedAt() && identity.HasUpdatedAt() && identity.HasStateChangedAt(), true)
	equal(t, identity.VerifiableAddresses[0].HasVerifiedAt(), true)
	_, response, err := admin().CreateIdentity(ctx).CreateIdentityBody(*body).Execute()
	refused[ory.ErrorGeneric](t, response, err, http.StatusConflict)

	id := identity.GetId()
	byExternal, _, err := admin().GetIdentityByExternalID(ctx, external).Execute()
	must(t, err)
	equal(t, known(t, byExternal).GetId(), id)

	update := ory.NewUpdateIdentityBody("default", "inactive", map[string]any{"email": email, "name": "New Name"})
	updated, _, err := admin().UpdateIdentity(ctx, id).UpdateIdentityBody(*update).Execute()
	must(t, err)
	known(t, updated)
	equal(t, updated.GetState(), "inactive")
	equal(t, updated.HasExternalId(), false)
	same(t, traitsOf(t, updated), traits{Email: email, Name: "New Name"})

	state := ory.NewJsonPatch("replace", "/state")
	state.SetValue("active")
	patched, _, err := admin().PatchIdentity(ctx, id).JsonPatch([]ory.JsonPatch{*state}).Execute()
	must(t, err)
	equal(t, known(t, patched).GetState(), "active")
	broken := ory.NewJsonPatch("remove", "/traits/email")
	_, response, err = admin().PatchIdentity(ctx, id).JsonPatch([]ory.JsonPatch{*broken}).Execute()
	refused[ory.ErrorGeneric](t, response, err, http.StatusBadRequest)

	_, err = admin().DeleteIdentity(ctx, id).Execute()
	must(t, err)
	_, response, err = admin().GetIdentity(ctx, id).Execute()
	refused[ory.ErrorGeneric](t, response, err, http.StatusNotFound)
}

var nextLink = regexp.MustCompile(`<([^>]+)>; *rel="next"`)

func TestIdentitiesAreListedPageByPage(t *testing.T) {
	missing := map[string]bool{}
	for range 5 {
		missing[create(t, address()).GetId()] = true
	}
	token := ""
	for range 200 {
		list := admin().ListIdentities(ctx).PageSize(2)
		if token != "" {
			list = list.PageToken(token)
		}
		page, response, err := list.Execute()
		must(t, err)
		known(t, page)
		for _, identity := range page {
			delete(missing, identity.GetId())
			equal(t, identity.HasCredentials(), false)
		}
		next := nextLink.FindStringSubmatch(response.Header.Get("Link"))
		if next == nil {
			equal(t, len(missing), 0)
			return
		}
		address, err := url.Parse(next[1])
		must(t, err)
		token = address.Query().Get("page_token")
	}
	t.Fatal("the list has no end")
}

func TestAnImportedLinkAndItsRemoval(t *testing.T) {
	somebody := newPerson(t, true)
	body := ory.NewCreateIdentityBody("default", map[string]any{"email": *somebody.Email})
	body.SetCredentials(ory.IdentityWithCredentials{Oidc: &ory.IdentityWithCredentialsOidc{
		Config: &ory.IdentityWithCredentialsOidcConfig{Providers: []ory.IdentityWithCredentialsOidcConfigProvider{
			*ory.NewIdentityWithCredentialsOidcConfigProvider("partner", somebody.Oid),
			*ory.NewIdentityWithCredentialsOidcConfigProvider("microsoft", somebody.Oid),
		}},
	}})
	identity, _, err := admin().CreateIdentity(ctx).CreateIdentityBody(*body).Execute()
	must(t, err)
	equal(t, len(known(t, identity).GetCredentials()["oidc"].Identifiers), 2)
	full, _, err := admin().GetIdentity(ctx, identity.GetId()).IncludeCredential([]string{"oidc"}).Execute()
	must(t, err)
	oidc := known(t, full).GetCredentials()["oidc"]
	equal(t, oidc.HasConfig() && oidc.HasType() && oidc.HasCreatedAt() && oidc.HasVersion(), true)
	found, _, err := admin().ListIdentities(ctx).CredentialsIdentifier("partner:" + somebody.Oid).Execute()
	must(t, err)
	equal(t, len(known(t, found)), 1)
	_, err = admin().DeleteIdentityCredentials(ctx, identity.GetId(), "oidc").Identifier("partner:" + somebody.Oid).Execute()
	must(t, err)
	response, err := admin().DeleteIdentityCredentials(ctx, identity.GetId(), "oidc").Identifier("microsoft:" + somebody.Oid).Execute()
	refused[ory.ErrorGeneric](t, response, err, http.StatusBadRequest)
}

func TestABatchSaysWhatItCouldNotCreate(t *testing.T) {
	taken := address()
	create(t, taken)
	fine, clash := newUUID(), newUUID()
	answer, _, err := admin().BatchPatchIdentities(ctx).PatchIdentitiesBody(ory.PatchIdentitiesBody{Identities: []ory.IdentityPatch{
		{PatchId: &fine, Create: ory.NewCreateIdentityBody("default", map[string]any{"email": address()})},
		{PatchId: &clash, Create: ory.NewCreateIdentityBody("default", map[string]any{"email": taken})},
	}}).Execute()
	must(t, err)
	known(t, answer)
	for _, outcome := range answer.GetIdentities() {
		want := map[string]string{fine: "create", clash: "error"}[outcome.GetPatchId()]
		equal(t, outcome.GetAction(), want)
	}
	equal(t, len(answer.GetIdentities()), 2)
}

func TestSessionsOfTheAdministrator(t *testing.T) {
	somebody := newPerson(t, true)
	b := newBrowser(t, &somebody)
	b.signIn("microsoft")
	id := b.session().GetId()
	session, _, err := admin().GetSession(ctx, id).Expand([]string{"identity", "devices"}).Execute()
	must(t, err)
	known(t, session)
	equal(t, session.Identity.GetMetadataAdmin() != nil, true)
	equal(t, len(session.GetDevices()), 1)
	bare, _, err := admin().GetSession(ctx, id).Execute()
	must(t, err)
	equal(t, known(t, bare).HasIdentity(), false)

	all, _, err := admin().ListSessions(ctx).Active(true).Expand([]string{"identity"}).PageSize(500).Execute()
	must(t, err)
	equal(t, len(known(t, all)) > 0, true)
	own, _, err := admin().ListIdentitySessions(ctx, session.Identity.GetId()).Execute()
	must(t, err)
	equal(t, len(known(t, own)), 1)
	extended, _, err := admin().ExtendSession(ctx, id).Execute()
	must(t, err)
	equal(t, known(t, extended).GetExpiresAt().Before(session.GetExpiresAt()), false)

	order := ory.NewManageSessionsBody("disable")
	order.SetSessions([]string{id})
	managed, _, err := admin().ManageSessions(ctx).ManageSessionsBody(*order).Execute()
	must(t, err)
	equal(t, known(t, managed).GetProcessed(), 1)
	ended, _, err := admin().GetSession(ctx, id).Execute()
	must(t, err)
	equal(t, ended.GetActive(), false)
	_, err = admin().DeleteIdentitySessions(ctx, session.Identity.GetId()).Execute()
	must(t, err)
	response, err := admin().DeleteIdentitySessions(ctx, session.Identity.GetId()).Execute()
	refused[ory.ErrorGeneric](t, response, err, http.StatusNotFound)
}

func TestSchemasAndVersion(t *testing.T) {
	open := api(publicURL, &http.Client{}).IdentityAPI
	schemas, _, err := open.ListIdentitySchemas(ctx).Execute()
	must(t, err)
	equal(t, len(known(t, schemas)), 1)
	equal(t, schemas[0].GetId(), "default")
	schema, _, err := open.GetIdentitySchema(ctx, "default").Execute()
	must(t, err)
	same(t, schema, schemas[0].GetSchema())
	_, response, err := open.GetIdentitySchema(ctx, "unknown").Execute()
	refused[ory.ErrorGeneric](t, response, err, http.StatusNotFound)

	version, _, err := api(adminURL, &http.Client{}).MetadataAPI.GetVersion(ctx).Execute()
	must(t, err)
	equal(t, known(t, version).GetVersion() != "", true)
}
