package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	ory "github.com/ory/client-go"
)

// The servers of one run; tests/clients/run says where they are.
var (
	publicURL  = os.Getenv("PUBLIC_URL")
	adminURL   = os.Getenv("ADMIN_URL")
	standInURL = os.Getenv("STAND_IN_URL")
	uiURL      = os.Getenv("UI_URL")
)

// The custom scheme that a native app has registered.
const appURL = "app.example://signed-in"

func TestMain(m *testing.M) {
	for _, value := range []string{publicURL, adminURL, standInURL, uiURL} {
		if value == "" {
			fmt.Fprintln(os.Stderr, "PUBLIC_URL, ADMIN_URL, STAND_IN_URL or UI_URL is not set; start these tests with tests/clients/run")
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// traits is what the schema of these tests allows.
type traits struct {
	Email string `json:"email,omitempty"`
	Name  string `json:"name,omitempty"`
	Team  string `json:"team,omitempty"`
}

func traitsOf(t *testing.T, identity *ory.Identity) traits {
	t.Helper()
	if identity == nil {
		t.Fatal("the identity is missing")
	}
	raw, err := json.Marshal(identity.GetTraits())
	must(t, err)
	var found traits
	must(t, json.Unmarshal(raw, &found))
	return found
}

func must(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var refused *ory.GenericOpenAPIError
	if errors.As(err, &refused) {
		t.Fatalf("%v: %s", err, refused.Body())
	}
	t.Fatal(err)
}

func equal[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// refused is the typed body of an error answer with this status.
func refused[T any](t *testing.T, response *http.Response, err error, status int) T {
	t.Helper()
	var refusal *ory.GenericOpenAPIError
	if !errors.As(err, &refusal) {
		t.Fatalf("expected status %d, got %v", status, err)
	}
	if response.StatusCode != status {
		t.Fatalf("expected status %d, got %d: %s", status, response.StatusCode, refusal.Body())
	}
	model, ok := refusal.Model().(T)
	if !ok {
		t.Fatalf("the client made no %T of the answer (%v): %s", model, refusal, refusal.Body())
	}
	known(t, model)
	return model
}

// known fails when the server sent a field that the client's description does not have.
func known[T any](t *testing.T, value T) T {
	t.Helper()
	unknown(t, reflect.ValueOf(value), reflect.TypeOf(value).String())
	return value
}

func unknown(t *testing.T, value reflect.Value, path string) {
	t.Helper()
	switch value.Kind() {
	case reflect.Pointer:
		if !value.IsNil() {
			unknown(t, value.Elem(), path)
		}
	case reflect.Slice:
		for index := range value.Len() {
			unknown(t, value.Index(index), fmt.Sprintf("%s[%d]", path, index))
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			unknown(t, value.MapIndex(key), fmt.Sprintf("%s[%v]", path, key))
		}
	case reflect.Struct:
		// The description of an error lost its fields when Ory merged those of its products: not even `code` is known.
		if value.Type() == reflect.TypeFor[time.Time]() || value.Type() == reflect.TypeFor[ory.GenericErrorContent]() {
			return
		}
		for index := range value.NumField() {
			field := value.Type().Field(index)
			if !field.IsExported() {
				continue
			}
			if field.Name == "AdditionalProperties" {
				strange(t, value.Field(index), path)
				continue
			}
			unknown(t, value.Field(index), path+"."+field.Name)
		}
	}
}

func strange(t *testing.T, properties reflect.Value, path string) {
	t.Helper()
	for _, name := range properties.MapKeys() {
		// Kratos sends this one beside `session_inactive`, though its own description lacks it.
		if name.String() != "CredentialsMissing" {
			t.Errorf("%s has a field that the client does not know: %s", path, name)
		}
	}
}

type person struct {
	Key        string  `json:"key"`
	About      string  `json:"about"`
	Tenant     string  `json:"tenant"`
	Oid        string  `json:"oid"`
	Name       string  `json:"name"`
	GivenName  string  `json:"given_name"`
	FamilyName string  `json:"family_name"`
	Upn        string  `json:"upn"`
	Email      *string `json:"email"`
}

// newPerson makes somebody of Contoso known to the identity provider. Each test makes its own people, so that tests
// share a server and no state.
func newPerson(t *testing.T, hasEmail bool) person {
	t.Helper()
	oid := newUUID()
	made := person{
		Key: "g-" + oid, About: "Made for one test", Tenant: "contoso", Oid: oid, Name: "Gil Gopher", GivenName: "Gil",
		FamilyName: "Gopher", Upn: oid + "@contoso.onmicrosoft.example",
	}
	if hasEmail {
		email := made.Key + "@contoso.example"
		made.Email = &email
	}
	body, err := json.Marshal(map[string][]person{"people": {made}})
	must(t, err)
	response, err := http.Post(standInURL+"/_control", "application/json", bytes.NewReader(body))
	must(t, err)
	defer response.Body.Close()
	equal(t, response.StatusCode, http.StatusOK)
	return made
}

// browser is a cookie jar, Ory's client over it, and feet to walk to the identity provider and back.
type browser struct {
	t    *testing.T
	http *http.Client
	ory.FrontendAPI
}

func newBrowser(t *testing.T, at *person) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	if at != nil {
		standIn, err := url.Parse(standInURL)
		must(t, err)
		jar.SetCookies(standIn, []*http.Cookie{{Name: "persona", Value: at.Key, Path: "/"}})
	}
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: stay}
	return browser{t, client, frontend(client)}
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func frontend(client *http.Client) ory.FrontendAPI {
	return api(publicURL, client).FrontendAPI
}

func api(base string, client *http.Client) *ory.APIClient {
	configuration := ory.NewConfiguration()
	configuration.Servers = ory.ServerConfigurations{{URL: base}}
	configuration.HTTPClient = client
	return ory.NewAPIClient(configuration)
}

// walk follows redirects as a browser does, until they leave the server and the identity provider.
func (b browser) walk(from string) *url.URL {
	b.t.Helper()
	at, err := url.Parse(from)
	must(b.t, err)
	for range 10 {
		origin := at.Scheme + "://" + at.Host
		if origin != publicURL && origin != standInURL {
			return at
		}
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, at.String(), nil)
		must(b.t, err)
		request.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		response, err := b.http.Do(request)
		must(b.t, err)
		response.Body.Close()
		location, err := response.Location()
		if err != nil {
			b.t.Fatalf("%s answered %s and leads nowhere", at.Path, response.Status)
		}
		at = location
	}
	b.t.Fatal("a browser would have given up: ten redirects")
	return nil
}

// leaves is where a submit leads that must go to the identity provider.
func (b browser) leaves(response *http.Response, err error) string {
	b.t.Helper()
	change := refused[ory.ErrorBrowserLocationChangeRequired](b.t, response, err, http.StatusUnprocessableEntity)
	equal(b.t, change.Error.GetId(), "browser_location_change_required")
	return change.GetRedirectBrowserTo()
}

func (b browser) signIn(provider string) *url.URL {
	b.t.Helper()
	flow, _, err := b.CreateBrowserLoginFlow(ctx).Execute()
	must(b.t, err)
	_, response, err := b.UpdateLoginFlow(ctx).Flow(flow.GetId()).UpdateLoginFlowBody(loginWith(provider, flow.Ui)).Execute()
	return b.walk(b.leaves(response, err))
}

func (b browser) session() *ory.Session {
	b.t.Helper()
	session, _, err := b.ToSession(ctx).Execute()
	must(b.t, err)
	return known(b.t, session)
}

var ctx = context.Background()

func loginWith(provider string, ui ory.UiContainer) ory.UpdateLoginFlowBody {
	body := ory.NewUpdateLoginFlowWithOidcMethod("oidc", provider)
	body.SetCsrfToken(csrfToken(ui))
	return ory.UpdateLoginFlowWithOidcMethodAsUpdateLoginFlowBody(body)
}

func inputs(ui ory.UiContainer) []ory.UiNodeInputAttributes {
	var found []ory.UiNodeInputAttributes
	for _, node := range ui.GetNodes() {
		if attributes := node.Attributes.UiNodeInputAttributes; attributes != nil {
			found = append(found, *attributes)
		}
	}
	return found
}

// values lists the values of all inputs of one name: of `provider`, which buttons there are.
func values(ui ory.UiContainer, name string) string {
	var found []string
	for _, input := range inputs(ui) {
		if input.GetName() == name {
			found = append(found, fmt.Sprint(input.GetValue()))
		}
	}
	return strings.Join(found, " ")
}

func csrfToken(ui ory.UiContainer) string { return values(ui, "csrf_token") }

func messageIDs(ui ory.UiContainer) []int64 {
	ids := []int64{}
	for _, message := range ui.GetMessages() {
		ids = append(ids, message.GetId())
	}
	return ids
}
