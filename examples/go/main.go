// Sends a notification and a dossier, and reads what became of the dossier: golang-jwt. Run it in the folder of the repository.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var env = os.Getenv

func main() {
	log.SetFlags(0)
	token := getToken(env("NOTIFICATIES_AUDIENCE"), env("NOTIFICATIES_SCOPE"))
	post("/api/v2/notificaties", token, document("notificatie", map[string]string{"Id": uuid()}))

	upload := uuid()
	token = getToken(env("DOSIS_AUDIENCE"), env("DOSIS_SCOPE"))
	now := time.Now().Format("2006-01-02T15:04:05")
	post(env("DOSIS_PATH"), token, document("dossier", map[string]string{"UploadId": upload, "WijzigingsDatum": now}))

	path := "/api/v1/dosis/resultaten/perUploadId?uploadId=" + upload
	status, body := call("GET", path, token, nil)
	for tried := 0; status == http.StatusNotFound && tried < 60; tried++ { // which it is until the dossier is processed
		time.Sleep(time.Second)
		status, body = call("GET", path, token, nil)
	}
	fmt.Println("result:", checked(path, status, body))
}

// A token for one API. It is good for an hour or longer: keep it until it ends.
func getToken(audience, scope string) string {
	key := must(jwt.ParseRSAPrivateKeyFromPEM(must(os.ReadFile(env("PRIVATE_KEY")))))
	now := time.Now()
	assertion := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": env("CLIENT_ID"), "sub": env("CLIENT_ID"), "aud": env("ASSERTION_AUDIENCE"),
		"jti": uuid(), "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	})
	assertion.Header["kid"] = env("KID")
	form := url.Values{
		"grant_type":            {"client_credentials"},
		"client_id":             {env("CLIENT_ID")},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {must(assertion.SignedString(key))},
		"scope":                 {scope},
	}
	if audience != "" {
		form.Set("audience", audience)
	}
	status, body := read(http.PostForm(env("TOKEN_ENDPOINT"), form))
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	must(0, json.Unmarshal([]byte(checked(env("TOKEN_ENDPOINT"), status, body)), &answer))
	return answer.AccessToken
}

func document(name string, values map[string]string) []byte {
	var document map[string]any
	must(0, json.Unmarshal(must(os.ReadFile("examples/documents/"+name+".json")), &document))
	for field, value := range values {
		document[field] = value
	}
	return must(json.Marshal(document))
}

func post(path, token string, body []byte) {
	status, answer := call("POST", path, token, body)
	fmt.Println("POST", path, checked(path, status, answer))
}

func call(method, path, token string, body []byte) (int, string) {
	request := must(http.NewRequest(method, env("API")+path, bytes.NewReader(body)))
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	return read(http.DefaultClient.Do(request))
}

func read(answer *http.Response, err error) (int, string) {
	defer must(answer, err).Body.Close()
	return answer.StatusCode, strings.TrimSpace(string(must(io.ReadAll(answer.Body))))
}

// An answer's text; an error ends the program with what the server says.
func checked(path string, status int, body string) string {
	if status >= 400 {
		log.Fatalf("%s: %d %s", path, status, body)
	}
	return body
}

func uuid() string {
	random := make([]byte, 16)
	must(rand.Read(random))
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
