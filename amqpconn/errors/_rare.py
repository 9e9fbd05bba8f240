"""What only a refusal by the peer, or TLS, brings up: with the module `errors` they are not loaded
before the first of them is asked for.
"""

from amqpconn.errors._closing import AuthenticationRefused as AuthenticationRefused
from amqpconn.errors._closing import ChannelClosed as ChannelClosed
from amqpconn.errors._closing import ConnectionClosed as ConnectionClosed
from amqpconn.errors._closing import ConnectionLimitReached as ConnectionLimitReached
from amqpconn.errors._closing import SecretRefused as SecretRefused
from amqpconn.errors._closing import VirtualHostDown as VirtualHostDown
from amqpconn.errors._closing import VirtualHostRefused as VirtualHostRefused
from amqpconn.errors._closing import channel_closed as channel_closed
from amqpconn.errors._closing import connection_closed as connection_closed
from amqpconn.errors._codes import BY_REPLY_CODE as BY_REPLY_CODE
from amqpconn.errors._codes import AccessRefused as AccessRefused
from amqpconn.errors._codes import AMQPSyntaxError as AMQPSyntaxError
from amqpconn.errors._codes import ChannelError as ChannelError
from amqpconn.errors._codes import ClosedByPeer as ClosedByPeer
from amqpconn.errors._codes import CommandInvalid as CommandInvalid
from amqpconn.errors._codes import ConnectionForced as ConnectionForced
from amqpconn.errors._codes import ContentTooLarge as ContentTooLarge
from amqpconn.errors._codes import FrameError as FrameError
from amqpconn.errors._codes import InternalError as InternalError
from amqpconn.errors._codes import InvalidPath as InvalidPath
from amqpconn.errors._codes import NoConsumers as NoConsumers
from amqpconn.errors._codes import NoRoute as NoRoute
from amqpconn.errors._codes import NotAllowed as NotAllowed
from amqpconn.errors._codes import NotFound as NotFound
from amqpconn.errors._codes import NotImplementedByPeer as NotImplementedByPeer
from amqpconn.errors._codes import PreconditionFailed as PreconditionFailed
from amqpconn.errors._codes import ResourceError as ResourceError
from amqpconn.errors._codes import ResourceLocked as ResourceLocked
from amqpconn.errors._codes import UnexpectedFrame as UnexpectedFrame
from amqpconn.errors._tls import CertificateExpired as CertificateExpired
from amqpconn.errors._tls import CertificateForOtherHost as CertificateForOtherHost
from amqpconn.errors._tls import CertificateNotTrusted as CertificateNotTrusted
from amqpconn.errors._tls import CertificateRefused as CertificateRefused
from amqpconn.errors._tls import TLSFailed as TLSFailed
from amqpconn.errors._tls import TLSNotSpoken as TLSNotSpoken
from amqpconn.errors._tls import TLSRefused as TLSRefused
