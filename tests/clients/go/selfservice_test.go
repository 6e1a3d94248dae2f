package clients

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	ory "github.com/ory/client-go"
)

func TestALoginFlowReadsBackTheSame(t *testing.T) {
	b := newBrowser(t, nil)
	flow, _, err := b.CreateBrowserLoginFlow(ctx).ReturnTo(uiURL + "/somewhere").Execute()
	must(t, err)
	known(t, flow)
	equal(t, flow.GetType(), "browser")
	equal(t, flow.GetState(), ory.LOGINFLOWSTATE_CHOOSE_METHOD)
	equal(t, flow.GetRequestedAal(), ory.AUTHENTICATORASSURANCELEVEL_AAL1)
	equal(t, flow.GetReturnTo(), uiURL+"/somewhere")
	equal(t, flow.HasCreatedAt() && flow.HasUpdatedAt() && flow.HasRefresh(), true)
	equal(t, flow.OrganizationId.IsSet(), true)
	equal(t, values(flow.Ui, "provider"), "microsoft partner")
	label := flow.Ui.Nodes[0].Meta.GetLabel()
	equal(t, label.GetId(), 1010002)
	equal(t, label.GetText(), "Sign in with Microsoft")

	again, _, err := b.GetLoginFlow(ctx).Id(flow.GetId()).Execute()
	must(t, err)
	known(t, again)
	equal(t, again.GetCreatedAt().UnixMicro(), flow.GetCreatedAt().UnixMicro())

	_, response, err := newBrowser(t, nil).GetLoginFlow(ctx).Id(flow.GetId()).Execute()
	body := refused[ory.ErrorGeneric](t, response, err, http.StatusForbidden)
	equal(t, body.Error.GetId(), "security_csrf_violation")
}

func TestSigningInTwiceFindsTheSameIdentity(t *testing.T) {
	somebody := newPerson(t, true)
	b := newBrowser(t, &somebody)
	equal(t, b.signIn("microsoft").String(), uiURL+"/")
	session := b.session()
	equal(t, session.GetActive(), true)
	equal(t, session.HasExpiresAt() && session.HasIssuedAt() && session.HasAuthenticatedAt(), true)
	equal(t, session.GetAuthenticatorAssuranceLevel(), ory.AUTHENTICATORASSURANCELEVEL_AAL1)
	equal(t, len(session.GetDevices()), 1)
	equal(t, len(session.GetAuthenticationMethods()), 1)
	method := session.GetAuthenticationMethods()[0]
	equal(t, method.GetMethod(), "oidc")
	equal(t, method.GetProvider(), "microsoft")
	same(t, traitsOf(t, session.Identity), traits{Email: *somebody.Email, Name: somebody.Name})
	equal(t, session.Identity.GetState(), "active")
	equal(t, session.Identity.VerifiableAddresses[0].GetVerified(), true)
	equal(t, session.Identity.RecoveryAddresses[0].GetVia(), "email")

	second := newBrowser(t, &somebody)
	second.signIn("microsoft")
	equal(t, second.session().Identity.GetId(), session.Identity.GetId())
}

func TestADeclinedSignInLeadsBackToTheForm(t *testing.T) {
	b := newBrowser(t, nil)
	flow, _, err := b.CreateBrowserLoginFlow(ctx).Execute()
	must(t, err)
	_, response, err := b.UpdateLoginFlow(ctx).Flow(flow.GetId()).UpdateLoginFlowBody(loginWith("microsoft", flow.Ui)).Execute()
	end := b.walk(b.leaves(response, err) + "&pick=cancel")
	equal(t, end.Path, "/login")
	after, _, err := b.GetLoginFlow(ctx).Id(end.Query().Get("flow")).Execute()
	must(t, err)
	known(t, after)
	same(t, messageIDs(after.Ui), []int64{4000001})
}

func TestAnUnknownProviderIsRefused(t *testing.T) {
	b := newBrowser(t, nil)
	flow, _, err := b.CreateBrowserLoginFlow(ctx).Execute()
	must(t, err)
	_, response, err := b.UpdateLoginFlow(ctx).Flow(flow.GetId()).UpdateLoginFlowBody(loginWith("unknown", flow.Ui)).Execute()
	refused[ory.ErrorGeneric](t, response, err, http.StatusNotFound)
}

func TestAnErrorWithoutAFormIsKeptForTheErrorPage(t *testing.T) {
	b := newBrowser(t, nil)
	end := b.walk(publicURL + "/self-service/methods/oidc/callback/microsoft?code=x&state=forged")
	equal(t, end.Path, "/error")
	stored, _, err := b.GetFlowError(ctx).Id(end.Query().Get("id")).Execute()
	must(t, err)
	known(t, stored)
	equal(t, stored.HasError() && stored.HasCreatedAt() && stored.HasUpdatedAt(), true)
	_, response, err := b.GetFlowError(ctx).Id(newUUID()).Execute()
	refused[ory.ErrorGeneric](t, response, err, http.StatusNotFound)
}

func registerWith(provider string, ui ory.UiContainer, given map[string]any) ory.UpdateRegistrationFlowBody {
	body := ory.NewUpdateRegistrationFlowWithOidcMethod("oidc", provider)
	body.SetCsrfToken(csrfToken(ui))
	if given != nil {
		body.SetTraits(given)
	}
	return ory.UpdateRegistrationFlowWithOidcMethodAsUpdateRegistrationFlowBody(body)
}

func TestRegisteringAsksForWhatTheProviderDoesNotSay(t *testing.T) {
	somebody := newPerson(t, false)
	b := newBrowser(t, &somebody)
	flow, _, err := b.CreateBrowserRegistrationFlow(ctx).ReturnTo(uiURL + "/welcome").Execute()
	must(t, err)
	known(t, flow)
	equal(t, flow.GetState(), ory.REGISTRATIONFLOWSTATE_CHOOSE_METHOD)
	_, response, err := b.UpdateRegistrationFlow(ctx).Flow(flow.GetId()).
		UpdateRegistrationFlowBody(registerWith("microsoft", flow.Ui, nil)).Execute()
	end := b.walk(b.leaves(response, err))
	equal(t, end.Path, "/registration")

	form, _, err := b.GetRegistrationFlow(ctx).Id(end.Query().Get("flow")).Execute()
	must(t, err)
	known(t, form)
	equal(t, form.GetActive(), "oidc")
	equal(t, values(form.Ui, "provider"), "microsoft")
	equal(t, values(form.Ui, "traits.name"), somebody.Name)
	email := slices.IndexFunc(form.Ui.Nodes, func(node ory.UiNode) bool {
		return node.Attributes.UiNodeInputAttributes.GetName() == "traits.email"
	})
	equal(t, form.Ui.Nodes[email].Messages[0].GetId(), 4000002)

	address := somebody.Key + "@home.example"
	_, response, err = b.UpdateRegistrationFlow(ctx).Flow(form.GetId()).
		UpdateRegistrationFlowBody(registerWith("microsoft", form.Ui, map[string]any{"email": address})).Execute()
	equal(t, b.walk(b.leaves(response, err)).String(), uiURL+"/welcome")
	same(t, traitsOf(t, b.session().Identity), traits{Email: address, Name: somebody.Name})

	_, response, err = b.CreateBrowserRegistrationFlow(ctx).Execute()
	body := refused[ory.ErrorGeneric](t, response, err, http.StatusBadRequest)
	equal(t, body.Error.GetId(), "session_already_available")
}

func changeLink(link, unlink string) ory.UpdateSettingsFlowBody {
	body := ory.NewUpdateSettingsFlowWithOidcMethod("oidc")
	if link != "" {
		body.SetLink(link)
	}
	if unlink != "" {
		body.SetUnlink(unlink)
	}
	return ory.UpdateSettingsFlowWithOidcMethodAsUpdateSettingsFlowBody(body)
}

func TestSettingsLinkUnlinkAndKeepTheLastLink(t *testing.T) {
	somebody := newPerson(t, true)
	b := newBrowser(t, &somebody)
	_, response, err := b.CreateBrowserSettingsFlow(ctx).Execute()
	inactive := refused[ory.ErrorGeneric](t, response, err, http.StatusUnauthorized)
	equal(t, inactive.Error.GetId(), "session_inactive")

	b.signIn("microsoft")
	flow, _, err := b.CreateBrowserSettingsFlow(ctx).Execute()
	must(t, err)
	known(t, flow)
	equal(t, flow.GetState(), ory.SETTINGSFLOWSTATE_SHOW_FORM)
	equal(t, values(flow.Ui, "link"), "partner")
	submit := func(link, unlink string) (*ory.SettingsFlow, *http.Response, error) {
		return b.UpdateSettingsFlow(ctx).Flow(flow.GetId()).UpdateSettingsFlowBody(changeLink(link, unlink)).Execute()
	}
	_, response, err = submit("partner", "")
	b.walk(b.leaves(response, err))
	linked, _, err := b.GetSettingsFlow(ctx).Id(flow.GetId()).Execute()
	must(t, err)
	known(t, linked)
	equal(t, linked.GetState(), ory.SETTINGSFLOWSTATE_SUCCESS)
	same(t, messageIDs(linked.Ui), []int64{1050001})
	equal(t, values(linked.Ui, "unlink"), "microsoft partner")

	unlinked, _, err := submit("", "microsoft")
	must(t, err)
	known(t, unlinked)
	equal(t, values(unlinked.Ui, "link"), "microsoft")
	equal(t, values(unlinked.Ui, "unlink"), "")
	_, response, err = submit("", "partner")
	kept := refused[ory.SettingsFlow](t, response, err, http.StatusBadRequest)
	same(t, messageIDs(kept.Ui), []int64{4000001})
}

func TestTheProfileIsChanged(t *testing.T) {
	somebody := newPerson(t, true)
	b := newBrowser(t, &somebody)
	b.signIn("microsoft")
	flow, _, err := b.CreateBrowserSettingsFlow(ctx).Execute()
	must(t, err)
	body := ory.NewUpdateSettingsFlowWithProfileMethod("profile", map[string]any{"email": *somebody.Email, "team": "Red"})
	body.SetCsrfToken(csrfToken(flow.Ui))
	saved, _, err := b.UpdateSettingsFlow(ctx).Flow(flow.GetId()).
		UpdateSettingsFlowBody(ory.UpdateSettingsFlowWithProfileMethodAsUpdateSettingsFlowBody(body)).Execute()
	must(t, err)
	known(t, saved)
	same(t, traitsOf(t, &saved.Identity), traits{Email: *somebody.Email, Team: "Red"})
	equal(t, saved.GetContinueWith()[0].ContinueWithRedirectBrowserTo != nil, true)
}

func TestMySessionsAreListedAndRevoked(t *testing.T) {
	somebody := newPerson(t, true)
	var all []browser
	for range 3 {
		b := newBrowser(t, &somebody)
		b.signIn("microsoft")
		all = append(all, b)
	}
	others, _, err := all[0].ListMySessions(ctx).Execute()
	must(t, err)
	known(t, others)
	equal(t, len(others), 2)
	equal(t, others[0].GetId(), all[2].session().GetId())
	_, err = all[0].DisableMySession(ctx, others[0].GetId()).Execute()
	must(t, err)
	_, response, err := all[2].ToSession(ctx).Execute()
	gone := refused[ory.ErrorGeneric](t, response, err, http.StatusUnauthorized)
	equal(t, gone.Error.HasId(), false)
	// Kratos counts the one that had ended before as well.
	count, _, err := all[0].DisableMyOtherSessions(ctx).Execute()
	must(t, err)
	equal(t, known(t, count).GetCount(), 2)

	tokenized, _, err := all[0].ToSession(ctx).TokenizeAs("backend").Execute()
	must(t, err)
	equal(t, strings.Count(known(t, tokenized).GetTokenized(), "."), 2)
}

func TestLogoutEndsTheSession(t *testing.T) {
	somebody := newPerson(t, true)
	b := newBrowser(t, &somebody)
	b.signIn("microsoft")
	logout, _, err := b.CreateBrowserLogoutFlow(ctx).Execute()
	must(t, err)
	known(t, logout)
	equal(t, b.walk(logout.GetLogoutUrl()).String(), uiURL+"/login")
	_, response, err := b.ToSession(ctx).Execute()
	refused[ory.ErrorGeneric](t, response, err, http.StatusUnauthorized)
}

func TestAnAppSignsInWithTwoCodes(t *testing.T) {
	somebody := newPerson(t, true)
	app := frontend(&http.Client{CheckRedirect: stay})
	flow, _, err := app.CreateNativeLoginFlow(ctx).ReturnSessionTokenExchangeCode(true).ReturnTo(appURL).Execute()
	must(t, err)
	known(t, flow)
	b := newBrowser(t, &somebody)
	_, response, err := app.UpdateLoginFlow(ctx).Flow(flow.GetId()).UpdateLoginFlowBody(
		ory.UpdateLoginFlowWithOidcMethodAsUpdateLoginFlowBody(ory.NewUpdateLoginFlowWithOidcMethod("oidc", "microsoft"))).Execute()
	end := b.walk(b.leaves(response, err))
	equal(t, end.Scheme, "app.example")
	exchanged, _, err := app.ExchangeSessionToken(ctx).InitCode(flow.GetSessionTokenExchangeCode()).
		ReturnToCode(end.Query().Get("code")).Execute()
	must(t, err)
	known(t, exchanged)
	token := exchanged.GetSessionToken()
	session, _, err := app.ToSession(ctx).XSessionToken(token).Execute()
	must(t, err)
	equal(t, known(t, session).GetId(), exchanged.Session.GetId())

	_, err = app.PerformNativeLogout(ctx).PerformNativeLogoutBody(*ory.NewPerformNativeLogoutBody(token)).Execute()
	must(t, err)
	_, response, err = app.ToSession(ctx).XSessionToken(token).Execute()
	refused[ory.ErrorGeneric](t, response, err, http.StatusUnauthorized)
}
