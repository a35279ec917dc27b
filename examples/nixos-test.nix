# SPDX-License-Identifier: GPL-2.0-or-later
#
# A NixOS test that runs scenarios in one of its nodes: the whole fleet is made of namespaces in that
# node. To give the conditions of a network to the nodes of a NixOS test themselves, see
# netsim-machine(7).
#
#   nix-build nixos-test.nix --arg netsim 'import ./netsim.nix' --arg scenarios ./scenarios

{ pkgs ? import <nixpkgs> { }, netsim, scenarios }:

pkgs.testers.runNixOSTest {
  name = "resilience";
  nodes.machine = {
    environment.systemPackages = [ netsim pkgs.etcd pkgs.iproute2 ];
    environment.etc."netsim/scenarios".source = scenarios;
    boot.kernelModules = [ "sch_netem" "sch_fq" "ifb" "veth" ];
    virtualisation.memorySize = 2048;
  };
  testScript = ''
    machine.wait_for_unit("multi-user.target")
    machine.succeed("netsim doctor")
    machine.succeed("netsim run -q --out /tmp/evidence --junit /tmp/junit.xml /etc/netsim/scenarios/*.yaml")
    machine.copy_from_vm("/tmp/junit.xml")
    machine.copy_from_vm("/tmp/evidence")
  '';
}
