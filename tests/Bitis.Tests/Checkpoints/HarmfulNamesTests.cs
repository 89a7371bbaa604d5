using Bitis.Checkpoints.Torch.Pickle;

namespace Bitis.Tests.Checkpoints;

public sealed class HarmfulNamesTests
{
    [Theory]
    [InlineData("os.system")]
    [InlineData("posix.system")]
    [InlineData("builtins.eval")]
    [InlineData("random._os.system")]
    [InlineData("tempfile._os.popen")]
    [InlineData("torch.serialization.os.system")]
    [InlineData("collections._sys.modules")]
    [InlineData("_posixsubprocess.fork_exec")]
    [InlineData("multiprocessing.util.spawnv_passfds")]
    [InlineData("uuid._get_command_stdout")]
    [InlineData("x.__globals__.y")]
    [InlineData("torch.hub.download_url_to_file")]
    [InlineData("http.client.HTTPConnection")]
    public void What_is_known_to_do_harm_is_found(string name) => Assert.True(HarmfulNames.Contains(name));

    [Theory]
    [InlineData("lab.code.models.Net")]
    [InlineData("nerf.system.Config")]
    [InlineData("argparse.Namespace")]
    [InlineData("mmengine.logging.history_buffer.HistoryBuffer")]
    [InlineData("torch._utils._rebuild_tensor_v2")]
    [InlineData("collections.OrderedDict")]
    [InlineData("optim.Adam")]
    public void What_people_call_their_modules_is_not(string name) => Assert.False(HarmfulNames.Contains(name));
}
