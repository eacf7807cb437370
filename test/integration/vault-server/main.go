// Command vault-server runs the server of HashiCorp Vault, its HTTP API in front of its own core, in memory, with the
// KV secrets engine in version 2 at secret/ and AppRole at approle/. It prints one line of JSON: its address, the
// root token and, with TLS, the certificate. It ends when its standard input does.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type started struct {
	Address     string `json:"address"`
	Token       string `json:"token"`
	Certificate string `json:"certificate"`
}

func run() error {
	core, token, err := unsealed()
	if err != nil {
		return err
	}
	certificate, key, err := selfSigned()
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		return err
	}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{},
	})
	go func() { _ = http.Serve(listener, handler) }()
	if err := configure(handler, token); err != nil {
		return err
	}
	line, err := json.Marshal(started{"https://" + listener.Addr().String(), token, string(certificate)})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// unsealed makes a core that is initialised and open, as `vault server -dev` does.
func unsealed() (*vault.Core, string, error) {
	logger := hclog.NewNullLogger()
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return nil, "", err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		Logger:             logger,
		DisableMlock:       true,
		LogicalBackends:    map[string]logical.Factory{"kv": kv.Factory},
		CredentialBackends: map[string]logical.Factory{"approle": approle.Factory},
		BuiltinRegistry:    registry{},
	})
	if err != nil {
		return nil, "", err
	}
	result, err := core.Initialize(context.Background(), &vault.InitParams{
		BarrierConfig:  &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
		RecoveryConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
	})
	if err != nil {
		return nil, "", err
	}
	for _, share := range result.SecretShares {
		if _, err := core.Unseal(share); err != nil {
			return nil, "", err
		}
	}
	return core, result.RootToken, waitActive(core)
}

func waitActive(core *vault.Core) error {
	for range 100 {
		if !core.Sealed() {
			if standby, _ := core.Standby(); !standby {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("the core did not become active")
}

// configure mounts what the tests use, over the API that they use.
func configure(handler http.Handler, token string) error {
	for _, mount := range []struct{ path, body string }{
		{"/v1/sys/mounts/secret", `{"type":"kv","options":{"version":"2"}}`},
		{"/v1/sys/auth/approle", `{"type":"approle"}`},
	} {
		if err := post(handler, token, mount.path, mount.body); err != nil {
			return err
		}
	}
	return nil
}

func post(handler http.Handler, token, path, body string) error {
	recorder := httptest.NewRecorder()
	request, err := http.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.RemoteAddr = "127.0.0.1:1"
	request.Header.Set("X-Vault-Token", token)
	handler.ServeHTTP(recorder, request)
	if recorder.Code >= http.StatusBadRequest {
		return fmt.Errorf("%s: %d %s", path, recorder.Code, recorder.Body.String())
	}
	return nil
}

// registry offers the two plugins that are built in here.
type registry struct{}

func (registry) Keys(kind consts.PluginType) []string {
	switch kind {
	case consts.PluginTypeCredential:
		return []string{"approle"}
	case consts.PluginTypeSecrets:
		return []string{"kv"}
	default:
		return nil
	}
}

func (r registry) Contains(name string, kind consts.PluginType) bool {
	return slices.Contains(r.Keys(kind), name)
}

func (r registry) Get(name string, kind consts.PluginType) (func() (any, error), bool) {
	factories := map[string]logical.Factory{"kv": kv.Factory, "approle": approle.Factory}
	factory := factories[name]
	return func() (any, error) { return factory, nil }, r.Contains(name, kind)
}

func (registry) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, true
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

// selfSigned makes a certificate for the loopback address, good for a day.
func selfSigned() ([]byte, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "vault-server"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), nil
}
